// S3 as the AWS SDK for JavaScript uses it: checksums unasked, in trailers of chunked bodies.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { before, test } from "node:test";
import * as aws from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const client = new aws.S3Client({ forcePathStyle: true });
const Bucket = "js-bucket";
const send = (command) => client.send(command);
const put = (Key, Body, more = {}) => send(new aws.PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = (Key, more = {}) => send(new aws.GetObjectCommand({ Bucket, Key, ...more }));
const text = async (answer) => answer.Body.transformToString();
const refused = (promise) => promise.then(() => assert.fail("it was not refused"), (error) => error);

before(async () => {
  await send(new aws.CreateBucketCommand({ Bucket }));
});

test("a body goes and comes with its checksum, type and metadata", async () => {
  const made = await put("a b/ü.txt", "hello", { ContentType: "text/plain", Metadata: { colour: "blue" } });
  assert.equal(made.ChecksumCRC32, "NhCmhg==");
  const got = await get("a b/ü.txt");
  assert.equal(await text(got), "hello");
  assert.equal(got.ContentType, "text/plain");
  assert.deepEqual(got.Metadata, { colour: "blue" });
  assert.equal(got.ChecksumCRC32, "NhCmhg==");
  assert.ok(Math.abs(Date.now() - got.LastModified) < 600_000);
});

for (const [algorithm, sum] of [["CRC32", "O3HfiA=="], ["CRC32C", "tA2ilQ=="], ["CRC64NVME", "T/VVH7sLjzc="],
  ["SHA1", "CB/Mp4cCVTFvfrLJsxGE1RVsCx8="], ["SHA256", "LEsQEWm/MozUqILmQKi1frOs92UYs9EFhpkFz2KeeRw="]]) {
  test(`checksum ${algorithm}`, async () => {
    const member = `Checksum${algorithm}`;
    // The SDK has CRC64NVME only with a native module: it is told what the sum is.
    const asked = algorithm === "CRC64NVME" ? { [member]: sum } : { ChecksumAlgorithm: algorithm };
    const made = await put(`sum-${algorithm}`, Buffer.alloc(100_000, 7), asked);
    assert.equal(made[member], sum);
    const wrong = await refused(put("wrong", Buffer.alloc(100_001, 7), { [member]: sum }));
    assert.equal(wrong.name, "BadDigest");
    const head = await send(new aws.HeadObjectCommand({ Bucket, Key: `sum-${algorithm}`, ChecksumMode: "ENABLED" }));
    assert.equal(head[member], sum);
    assert.equal(head.ContentLength, 100_000);
  });
}

test("a stream of known length, and parts of it", async () => {
  await put("stream", Readable.from([Buffer.alloc(70_000, 1), Buffer.alloc(70_000, 2)]), { ContentLength: 140_000 });
  const part = await get("stream", { Range: "bytes=69999-70000" });
  assert.deepEqual([...await part.Body.transformToByteArray()], [1, 2]);
  assert.equal(part.ContentRange, "bytes 69999-70000/140000");
});

test("a stream of unknown length, in parts", async () => {
  const blocks = Readable.from((function* () {
    for (let i = 0; i < 13; i++) yield Buffer.alloc(1 << 20, i);
  })());
  const done = await new Upload({ client, params: { Bucket, Key: "big", Body: blocks }, partSize: 5 << 20 }).done();
  assert.match(done.ETag, /^"[0-9a-f]{32}-3"$/);
  const whole = await (await get("big")).Body.transformToByteArray();
  assert.equal(whole.length, 13 << 20);
  assert.equal(whole[(12 << 20) + 5], 12);
  const about = await send(new aws.GetObjectAttributesCommand({ Bucket, Key: "big", ObjectAttributes: ["ObjectSize", "ETag", "ObjectParts"] }));
  assert.equal(about.ObjectSize, 13 << 20);
  assert.equal(about.ObjectParts.TotalPartsCount, 3);
});

test("what is not there, and what is there already, as the SDK's own errors", async () => {
  assert.ok(await refused(get("none")) instanceof aws.NoSuchKey);
  assert.ok(await refused(send(new aws.HeadObjectCommand({ Bucket, Key: "none" }))) instanceof aws.NotFound);
  assert.ok(await refused(send(new aws.ListObjectsV2Command({ Bucket: "no-such-bucket" }))) instanceof aws.NoSuchBucket);
  await put("once", "1", { IfNoneMatch: "*" });
  assert.equal((await refused(put("once", "2", { IfNoneMatch: "*" }))).name, "PreconditionFailed");
  assert.equal(await text(await get("once")), "1");
});

test("lists by page and level, copies, several deletes", async () => {
  for (const name of ["x", "y/1", "y/2", "z"]) await put(`list/${name}`, name);
  const names = [];
  for await (const page of aws.paginateListObjectsV2({ client, pageSize: 2 }, { Bucket, Prefix: "list/" }))
    names.push(...page.Contents.map((object) => object.Key));
  assert.deepEqual(names, ["list/x", "list/y/1", "list/y/2", "list/z"]);
  const level = await send(new aws.ListObjectsCommand({ Bucket, Prefix: "list/", Delimiter: "/" }));
  assert.deepEqual(level.CommonPrefixes, [{ Prefix: "list/y/" }]);
  await send(new aws.CopyObjectCommand({ Bucket, Key: "list/copy", CopySource: `${Bucket}/list/z` }));
  assert.equal(await text(await get("list/copy")), "z");
  const gone = await send(new aws.DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "list/copy" }, { Key: "list/x" }] } }));
  assert.equal(gone.Deleted.length, 2);
  assert.ok(await refused(get("list/x")) instanceof aws.NoSuchKey);
});

test("presigned URLs read and write", async () => {
  const to = await getSignedUrl(client, new aws.PutObjectCommand({ Bucket, Key: "pre +" }), { expiresIn: 60 });
  // The SDK puts the checksum of an empty body into it.
  assert.match(to, /x-amz-checksum-crc32=/);
  const answer = await fetch(to, { method: "PUT", body: "by a URL" });
  assert.equal(answer.status, 200, await answer.text());
  await aws.waitUntilObjectExists({ client, maxWaitTime: 10, minDelay: 1 }, { Bucket, Key: "pre +" });
  const from = await getSignedUrl(client, new aws.GetObjectCommand({ Bucket, Key: "pre +" }), { expiresIn: 60 });
  assert.equal(await (await fetch(from)).text(), "by a URL");
  assert.equal((await fetch(from.replace("X-Amz-Expires=60", "X-Amz-Expires=61"))).status, 403);
});
