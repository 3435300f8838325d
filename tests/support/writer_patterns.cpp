// The table. Sizes are small, and the number of records of a file is cut down: what matters is the order of calls, what
// is open meanwhile, and where a program goes on from. Read from the projects' public sources in November 2026; none
// of them can be installed where the tests run. "Traced": PyTorch 2.11, Lightning 2.6, Orbax and safetensors 0.8 did
// the same under strace elsewhere.
#include "support/writer_calls.hpp"

namespace holdfast::testing {

const std::vector<Pattern>& writer_patterns() {
  static const std::vector<Pattern> patterns{
      {"torch.save over the last one",
       "traced; pytorch torch/serialization.py save(): the zip writer opens the name itself, writes records, closes",
       "", R"(
          open model.pt
          unsafe
          write model.pt 64
          write model.pt 9000
          write model.pt 65536
          write model.pt 300
          close model.pt
          safe
       )"},
      {"torch.save, then os.replace", "what docs/checkpoints.md advises", "", R"(
          open model.pt.tmp
          write model.pt.tmp 64
          write model.pt.tmp 70000
          sync model.pt.tmp
          close model.pt.tmp
          rename model.pt.tmp model.pt
          complete
       )"},
      {"torch.save of the newest, copied over the best",
       "pytorch/examples imagenet/main.py save_checkpoint(): torch.save, then shutil.copyfile over model_best.pth.tar; "
       "a "
       "restart reads checkpoint.pth.tar",
       "", R"(
          open checkpoint.pth.tar
          unsafe
          write checkpoint.pth.tar 30000
          close checkpoint.pth.tar
          safe
          copy checkpoint.pth.tar model_best.pth.tar
       )"},
      {"torch.distributed.checkpoint, two ranks",
       "traced; pytorch torch/distributed/checkpoint/filesystem.py: each rank writes and fsyncs __RANK_N.distcp; the "
       "results "
       "are "
       "gathered; rank 0 writes .metadata.tmp, fsyncs it, renames it to .metadata",
       "", R"(
          mkdir step-{n}
          open step-{n}/__0_0.distcp
          unsafe
          open step-{n}/__1_0.distcp
          write step-{n}/__0_0.distcp 40000
          write step-{n}/__1_0.distcp 20000
          sync step-{n}/__0_0.distcp
          close step-{n}/__0_0.distcp
          write step-{n}/__1_0.distcp 30000
          sync step-{n}/__1_0.distcp
          close step-{n}/__1_0.distcp
          pause 3000
          open step-{n}/.metadata.tmp
          write step-{n}/.metadata.tmp 900
          sync step-{n}/.metadata.tmp
          close step-{n}/.metadata.tmp
          rename step-{n}/.metadata.tmp step-{n}/.metadata
          safe
          rmtree step-{n-2}
       )"},
      {"torch.distributed.checkpoint, always the same folder",
       "traced; the same with overwrite=True, its default: the old .metadata stays until the new one is there", "", R"(
          mkdir latest
          open latest/__0_0.distcp
          unsafe
          write latest/__0_0.distcp 40000
          sync latest/__0_0.distcp
          close latest/__0_0.distcp
          pause 3000
          open latest/.metadata.tmp
          write latest/.metadata.tmp 900
          sync latest/.metadata.tmp
          close latest/.metadata.tmp
          unlink latest/.metadata
          rename latest/.metadata.tmp latest/.metadata
          safe
       )"},
      {"Hugging Face Trainer, safetensors, save_total_limit=2",
       "transformers src/transformers/trainer.py _save_checkpoint(): save_model, optimizer and scheduler, RNG state, "
       "trainer_state.json last, then _rotate_checkpoints; a restart takes the checkpoint-N with the highest N",
       "", R"(
          mkdir checkpoint-{n}
          open checkpoint-{n}/config.json
          unsafe
          write checkpoint-{n}/config.json 700
          close checkpoint-{n}/config.json
          open checkpoint-{n}/model.safetensors
          write checkpoint-{n}/model.safetensors 8
          write checkpoint-{n}/model.safetensors 1200
          write checkpoint-{n}/model.safetensors 65536
          close checkpoint-{n}/model.safetensors
          open checkpoint-{n}/training_args.bin
          write checkpoint-{n}/training_args.bin 5000
          close checkpoint-{n}/training_args.bin
          open checkpoint-{n}/optimizer.pt
          write checkpoint-{n}/optimizer.pt 90000
          close checkpoint-{n}/optimizer.pt
          open checkpoint-{n}/scheduler.pt
          write checkpoint-{n}/scheduler.pt 1000
          close checkpoint-{n}/scheduler.pt
          open checkpoint-{n}/rng_state.pth
          write checkpoint-{n}/rng_state.pth 14000
          close checkpoint-{n}/rng_state.pth
          open checkpoint-{n}/trainer_state.json
          write checkpoint-{n}/trainer_state.json 900
          close checkpoint-{n}/trainer_state.json
          safe
          rmtree checkpoint-{n-2}
       )"},
      {"safetensors, over the last one",
       "traced: safetensors' save_file() makes .tmpXXXXXX beside it at its full length, writes, renames, and closes "
       "last",
       "", R"(
          open .tmpTaZNp6
          extend .tmpTaZNp6 70080
          write .tmpTaZNp6 80
          write .tmpTaZNp6 70000
          rename .tmpTaZNp6 model.safetensors
          complete
          close .tmpTaZNp6
       )"},
      {"Hugging Face Trainer under FSDP: the optimizer's state is gathered between two files",
       "transformers _save_optimizer_and_scheduler(): accelerate's save_fsdp_optimizer gathers it from all ranks "
       "first; "
       "model shards as model-0000I-of-0000N.safetensors with an index",
       "", R"(
          mkdir checkpoint-{n}
          open checkpoint-{n}/model-00001-of-00002.safetensors
          unsafe
          write checkpoint-{n}/model-00001-of-00002.safetensors 50000
          close checkpoint-{n}/model-00001-of-00002.safetensors
          pause 900
          open checkpoint-{n}/model-00002-of-00002.safetensors
          write checkpoint-{n}/model-00002-of-00002.safetensors 50000
          close checkpoint-{n}/model-00002-of-00002.safetensors
          open checkpoint-{n}/model.safetensors.index.json
          write checkpoint-{n}/model.safetensors.index.json 800
          close checkpoint-{n}/model.safetensors.index.json
          open checkpoint-{n}/training_args.bin
          write checkpoint-{n}/training_args.bin 5000
          close checkpoint-{n}/training_args.bin
          pause 8000
          open checkpoint-{n}/optimizer.bin
          write checkpoint-{n}/optimizer.bin 90000
          close checkpoint-{n}/optimizer.bin
          pause 700
          open checkpoint-{n}/trainer_state.json
          write checkpoint-{n}/trainer_state.json 900
          close checkpoint-{n}/trainer_state.json
          safe
          rmtree checkpoint-{n-2}
       )"},
      {"Hugging Face Trainer with TensorBoard in its output directory",
       "transformers: logging_dir is OUTPUT_DIR/runs/... by default; tensorboard's EventFileWriter keeps its file open "
       "and appends to it for as long as the training runs",
       R"(
          mkdir runs/Nov27_host
          open runs/Nov27_host/events.out.tfevents.1700000000.host.1.0
          write runs/Nov27_host/events.out.tfevents.1700000000.host.1.0 88
       )",
       R"(
          write runs/Nov27_host/events.out.tfevents.1700000000.host.1.0 240
          mkdir checkpoint-{n}
          open checkpoint-{n}/model.safetensors
          unsafe
          write checkpoint-{n}/model.safetensors 65536
          close checkpoint-{n}/model.safetensors
          open checkpoint-{n}/optimizer.pt
          write checkpoint-{n}/optimizer.pt 90000
          close checkpoint-{n}/optimizer.pt
          open checkpoint-{n}/trainer_state.json
          write checkpoint-{n}/trainer_state.json 900
          close checkpoint-{n}/trainer_state.json
          safe
          rmtree checkpoint-{n-2}
          write runs/Nov27_host/events.out.tfevents.1700000000.host.1.0 240
       )"},
      {"Lightning ModelCheckpoint, save_top_k=1, /tmp on the same file system",
       "traced; lightning fabric/utilities/cloud_io.py _atomic_save() within fsspec's transaction: "
       "fsspec/implementations/local.py "
       "writes to tempfile.mkstemp() and shutil.move()s it into place; then the checkpoint before is removed",
       "", R"(
          open @tmpckpt{n}
          write @tmpckpt{n} 70000
          close @tmpckpt{n}
          rename @tmpckpt{n} epoch={n}.ckpt
          complete
          unlink epoch={n-1}.ckpt
       )"},
      {"Lightning ModelCheckpoint, save_top_k=1, /tmp on another file system",
       "the same: shutil.move() copies then, in place: open, sendfile, copystat, and unlinks the temporary file", "",
       R"(
          open epoch={n}.ckpt
          unsafe
          write epoch={n}.ckpt 35000
          write epoch={n}.ckpt 35000
          close epoch={n}.ckpt
          touch epoch={n}.ckpt
          safe
          unlink epoch={n-1}.ckpt
       )"},
      {"Orbax CheckpointManager, asynchronous, ocdbt, max_to_keep=2",
       "traced; orbax checkpoint/_src/path/atomicity.py: everything is written below N.orbax-checkpoint-tmp (older "
       "ones: "
       "-T behind it), then the directory is renamed; what an earlier run left there is removed; tensorstore's file "
       "driver writes NAME.__lock and "
       "renames it",
       "", R"(
          rmtree {n}.orbax-checkpoint-tmp-17
          mkdir {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d
          open {n}.orbax-checkpoint-tmp-17/_CHECKPOINT_METADATA
          write {n}.orbax-checkpoint-tmp-17/_CHECKPOINT_METADATA 120
          close {n}.orbax-checkpoint-tmp-17/_CHECKPOINT_METADATA
          pause 1500
          open {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d/1a.__lock
          write {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d/1a.__lock 40000
          sync {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d/1a.__lock
          close {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d/1a.__lock
          rename {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d/1a.__lock {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d/1a
          open {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d/2b.__lock
          write {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d/2b.__lock 20000
          close {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d/2b.__lock
          rename {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d/2b.__lock {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/d/2b
          pause 900
          open {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/manifest.ocdbt.__lock
          write {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/manifest.ocdbt.__lock 200
          close {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/manifest.ocdbt.__lock
          rename {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/manifest.ocdbt.__lock {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/manifest.ocdbt
          open {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/_METADATA
          write {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/_METADATA 2000
          close {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18/_METADATA
          rename {n}.orbax-checkpoint-tmp-17/default.orbax-checkpoint-tmp-18 {n}.orbax-checkpoint-tmp-17/default
          open {n}.orbax-checkpoint-tmp-17/_CHECKPOINT_METADATA
          write {n}.orbax-checkpoint-tmp-17/_CHECKPOINT_METADATA 180
          close {n}.orbax-checkpoint-tmp-17/_CHECKPOINT_METADATA
          pause 800
          rename {n}.orbax-checkpoint-tmp-17 {n}
          complete
          rmtree {n-2}
       )"},
      {"SageMaker's XGBoost container",
       "sagemaker-xgboost-container checkpointing.py SaveCheckpoint: a NamedTemporaryFile with the suffix "
       ".sagemaker-ignore, "
       "save_model() over it, os.rename; a thread removes the fifth last",
       "", R"(
          open tmp1x{n}.sagemaker-ignore
          close tmp1x{n}.sagemaker-ignore
          open tmp1x{n}.sagemaker-ignore
          write tmp1x{n}.sagemaker-ignore 30000
          close tmp1x{n}.sagemaker-ignore
          rename tmp1x{n}.sagemaker-ignore xgboost-checkpoint.{n}
          complete
          unlink xgboost-checkpoint.{n-5}
       )"},
      {"XGBoost's TrainingCheckPoint callback",
       "xgboost python-package/xgboost/callback.py: model.save_model(NAME_N.ubj), written in place", "", R"(
          open model_{n}.ubj
          unsafe
          write model_{n}.ubj 16384
          write model_{n}.ubj 16000
          close model_{n}.ubj
          safe
       )"},
      {"Keras BackupAndRestore",
       "keras src/callbacks/backup_and_restore.py _save_model(): copies of the last weights and metadata beside, then "
       "both "
       "written in place, the metadata last; h5py writes the superblock again at the end",
       "", R"(
          copy latest.weights.h5 _latest.weights.h5
          copy training_metadata.json _training_metadata.json
          open latest.weights.h5
          unsafe
          write latest.weights.h5 96
          write latest.weights.h5 60000
          rewrite latest.weights.h5 96
          close latest.weights.h5
          open training_metadata.json
          write training_metadata.json 24
          close training_metadata.json
          safe
       )"},
      {"Keras ModelCheckpoint, HDF5, over the last one",
       "keras src/callbacks/model_checkpoint.py, src/legacy/saving: h5py.File(path, 'w'), extended, data, superblock",
       "",
       R"(
          open model.h5
          unsafe
          write model.h5 96
          extend model.h5 40000
          write model.h5 20000
          rewrite model.h5 96
          close model.h5
          safe
       )"},
      {"tf.train.CheckpointManager, max_to_keep=2",
       "tensorflow checkpoint_management.py save(), _record_state(), _sweep(); core/util/tensor_bundle: shards in "
       "NAME_temp, "
       "merged by rename, the index after the data, then the file 'checkpoint' by rename",
       "", R"(
          mkdir ckpt-{n}_temp
          open ckpt-{n}_temp/part-00000-of-00001.data-00000-of-00001.tempstate7
          write ckpt-{n}_temp/part-00000-of-00001.data-00000-of-00001.tempstate7 60000
          close ckpt-{n}_temp/part-00000-of-00001.data-00000-of-00001.tempstate7
          rename ckpt-{n}_temp/part-00000-of-00001.data-00000-of-00001.tempstate7 ckpt-{n}_temp/part-00000-of-00001.data-00000-of-00001
          open ckpt-{n}_temp/part-00000-of-00001.index
          write ckpt-{n}_temp/part-00000-of-00001.index 500
          close ckpt-{n}_temp/part-00000-of-00001.index
          pause 700
          rename ckpt-{n}_temp/part-00000-of-00001.data-00000-of-00001 ckpt-{n}.data-00000-of-00001
          open ckpt-{n}.index.tempstate9
          write ckpt-{n}.index.tempstate9 500
          close ckpt-{n}.index.tempstate9
          rename ckpt-{n}.index.tempstate9 ckpt-{n}.index
          unlink ckpt-{n}_temp/part-00000-of-00001.index
          rmdir ckpt-{n}_temp
          pause 700
          open checkpoint.tmp3f
          write checkpoint.tmp3f 120
          close checkpoint.tmp3f
          rename checkpoint.tmp3f checkpoint
          complete
          unlink ckpt-{n-2}.index
          unlink ckpt-{n-2}.data-00000-of-00001
          open checkpoint.tmp40
          write checkpoint.tmp40 140
          close checkpoint.tmp40
          rename checkpoint.tmp40 checkpoint
       )"},
      {"DeepSpeed",
       "DeepSpeed runtime/engine.py save_checkpoint(): files of every rank below global_stepN, then the file 'latest' "
       "in "
       "place, which a restart reads",
       "", R"(
          mkdir global_step{n}
          open global_step{n}/mp_rank_00_model_states.pt
          write global_step{n}/mp_rank_00_model_states.pt 30000
          close global_step{n}/mp_rank_00_model_states.pt
          pause 2000
          open global_step{n}/zero_pp_rank_0_mp_rank_00_optim_states.pt
          write global_step{n}/zero_pp_rank_0_mp_rank_00_optim_states.pt 60000
          close global_step{n}/zero_pp_rank_0_mp_rank_00_optim_states.pt
          open latest
          unsafe
          write latest 13
          close latest
          safe
       )"},
      {"a memory map", "numpy.memmap(mode='w+'): the mapping holds a descriptor of its own until it is gone", "", R"(
          open weights.npy
          unsafe
          extend weights.npy 70000
          map weights.npy 70000
          pause 2000
          map weights.npy 60000
          close weights.npy
          safe
       )"},
      {"a memory map whose descriptor is closed",
       "C and C++: mmap(MAP_SHARED), close, then stores without msync; a page that is dirty already changes no time",
       "",
       R"(
          open state.bin
          unsafe
          extend state.bin 70000
          hold state.bin
          close state.bin
          poke state.bin 30000
          pause 3000
          poke state.bin 50000
          pause 1000
          poke state.bin 70000
          let_go state.bin
          safe
       )"},
      {"hard links", "a best model kept as another name of an old one, moved into place", "", R"(
          open model-{n}.pt.part
          write model-{n}.pt.part 40000
          close model-{n}.pt.part
          rename model-{n}.pt.part model-{n}.pt
          complete
          link model-{n}.pt best.pt.part
          rename best.pt.part best.pt
          unlink model-{n-2}.pt
       )"},
  };
  return patterns;
}

}  // namespace holdfast::testing
