"""Debian's own awscli, unchanged, as a process: mixed into a TestCase that has a `service`."""
import json
import subprocess


class AwsCli:
    # Further variables of its environment.
    variables = {}

    def command(self, *arguments):
        return ["/usr/bin/aws", "--endpoint-url", self.service.endpoint, *arguments]

    def aws(self, *arguments, environment=None):
        return subprocess.run(self.command(*arguments), text=True, capture_output=True, timeout=120,
                              env=environment or {**self.service.environment(), **self.variables})

    def ok(self, *arguments):
        """What it prints, as JSON where it is."""
        done = self.aws(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if done.stdout.lstrip().startswith("{") else done.stdout

    def refused(self, code, text, *arguments):
        """The service's error, as the CLI shows it."""
        done = self.aws(*arguments)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"({code})", done.stderr)
        self.assertIn(text, done.stderr)
