"""The `lazaret` program, as a resource of Dagster's."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from dagster import (
    AssetExecutionContext,
    ConfigurableResource,
    Failure,
    OpExecutionContext,
    PipesSubprocessClient,
)
from dagster._core.pipes.client import PipesClientCompletedInvocation
from pydantic import Field

# Dagster ends the evaluation of a sensor after 60 seconds; this fails first, and says why.
ANSWER_SECONDS = 50


class Lazaret(ConfigurableResource):
    """Calls the program for one project. What else it needs (METADATA_DB_URL, OBJECTS_URL, …) it
    finds in the environment of Dagster's process, as it would in a shell's."""

    program: str = Field(description="The program's name on the PATH, or its path")
    project: str = Field(description="The project's folder")

    @staticmethod
    def of_environment() -> "Lazaret":
        return Lazaret(
            program=os.environ.get("LAZARET_BIN") or "lazaret",
            project=os.environ.get("LAZARET_PROJECT") or ".",
        )

    def do(
        self, context: AssetExecutionContext | OpExecutionContext, *arguments: str, may_be_absent: bool = False
    ) -> PipesClientCompletedInvocation:
        """Runs a command that works. It reports to Dagster by itself; its exit code other than 0
        fails the step. `may_be_absent`: what the assets stand for need not exist afterwards."""
        checks: dict[str, list[str]] = {}
        if isinstance(context, AssetExecutionContext):
            for key in context.selected_asset_check_keys:
                checks.setdefault(key.asset_key.to_escaped_user_string(), []).append(key.name)
        if may_be_absent:
            # A Pipes session makes Dagster fail a step in which an asset or check is not reported.
            context.set_requires_typed_event_stream = lambda **_: None
        client = PipesSubprocessClient(env={"LAZARET_PROJECT": self.project})
        done = client.run(
            context=context,
            command=self._command(arguments),
            # The program tells only of checks that the step has declared: any other fails it.
            extras={"checks": checks},
        )
        if not done.get_custom_messages():
            raise Failure(
                f"`{self.program}` did its work and reported nothing: it is older than this code location"
            )
        return done

    def ask(self, *arguments: str) -> Mapping[str, Any]:
        """The answer of a command that changes nothing."""
        asked = subprocess.run(
            self._command(arguments),
            env={**os.environ, "LAZARET_PROJECT": self.project},
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
        if asked.returncode != 0:
            said = asked.stderr.strip() or asked.stdout.strip()
            raise Failure(f"`lazaret {' '.join(arguments)}` ended with {asked.returncode}: {said}")
        return json.loads(asked.stdout)

    def _command(self, arguments: Sequence[str]) -> list[str]:
        program = shutil.which(self.program)
        if program is None:
            raise Failure(
                f"`{self.program}` is not a program that Dagster finds: put lazaret on the PATH of "
                "Dagster's processes, or set LAZARET_BIN to its path"
            )
        return [program, *arguments, "--format", "json"]
