"""The code location as Dagster loads it, and what a person reads when the program is not there."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

from dagster import AssetKey, Failure, materialize

from lazaret_dagster.assets import bootstrap_heartbeat
from lazaret_dagster.definitions import defs
from lazaret_dagster.lazaret import Lazaret

FOLDER = Path(__file__).parent.parent

STATUS = (
    "from lazaret_dagster.definitions import defs\n"
    "print(*(one.default_status.value for one in [*defs.sensors, *defs.schedules]))"
)


class Definitions(unittest.TestCase):
    def test_everything_has_its_name(self):
        repository = defs.get_repository_def()
        assets = {key.to_user_string() for key in repository.assets_defs_by_key}
        self.assertEqual(
            assets,
            {
                "bootstrap_heartbeat_asset",
                "sync_layout_registry",
                "sync_canonical_registry",
                "submission_raw",
                "submission_silver",
                "submission_verdict",
                "submission_months",
                "submitter_gold",
                "canonical_gold",
            },
        )
        jobs = {name for name in repository.job_names if not name.startswith("__")}
        self.assertEqual(
            jobs,
            {
                "register_submission_from_group_job",
                "carry_submission_job",
                "build_submitter_gold_job",
                "build_canonical_month_job",
                "sync_registry_job",
                "list_partitions_job",
            },
        )
        self.assertEqual(
            {sensor.name for sensor in repository.sensor_defs},
            {"inbox_discovery_sensor", "submission_sensor", "submitter_gold_sensor", "canonical_rebuild_sensor"},
        )

    def test_partitions_are_named_after_what_they_hold(self):
        by_key = defs.get_repository_def().assets_defs_by_key
        names = {
            asset: by_key[AssetKey(asset)].partitions_def.name
            for asset in ("submission_raw", "submission_months", "submitter_gold", "canonical_gold")
        }
        self.assertEqual(
            names,
            {
                "submission_raw": "submissions",
                "submission_months": "submissions",
                "submitter_gold": "submitter_months",
                "canonical_gold": "canonical_months",
            },
        )

    def test_only_where_dagster_is_the_orchestrator_do_sensors_run_by_themselves(self):
        for orchestrator, expected in (("dagster", {"RUNNING"}), ("daemon", {"STOPPED"}), ("", {"STOPPED"})):
            told = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", STATUS],
                env={**os.environ, "ORCHESTRATOR": orchestrator, "PYTHONPATH": str(FOLDER)},
                capture_output=True,
                text=True,
                check=True,
            )
            self.assertEqual(set(told.stdout.split()), expected, orchestrator)


class TheProgram(unittest.TestCase):
    def test_where_it_is_not_there_the_remedy_is_named(self):
        with self.assertRaisesRegex(Failure, "LAZARET_BIN"):
            Lazaret(program="no-such-program", project=".").ask("status")

    def test_its_failure_is_told_with_its_words(self):
        # A program that is there and knows none of this.
        with self.assertRaisesRegex(Failure, "`lazaret status` ended with [1-9]"):
            Lazaret(program="false", project=".").ask("status")

    def test_one_that_reports_nothing_is_no_success(self):
        # A program that ends well whatever it is called with, and does not speak Pipes.
        resources = {"lazaret": Lazaret(program="true", project=".")}
        with self.assertRaisesRegex(Failure, "older than this code location"):
            materialize([bootstrap_heartbeat], resources=resources)


if __name__ == "__main__":
    unittest.main()
