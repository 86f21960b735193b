"""Prints what Dagster's storage holds, as JSON, once no run is unfinished: runs, materializations
with their metadata, evaluations of checks, partitions.

    DAGSTER_HOME=… python what_dagster_knows.py

It is how a test outside of Python looks into Dagster.
"""

import json
import sys
import time

from dagster import DagsterEventType, DagsterInstance, RunsFilter

from lazaret_dagster.sensors import UNFINISHED, WORK

SECONDS_MAX = 300


def main() -> None:
    with DagsterInstance.get() as instance:
        began = time.monotonic()
        while instance.get_runs(filters=RunsFilter(statuses=UNFINISHED), limit=1):
            if time.monotonic() - began > SECONDS_MAX:
                sys.exit("runs are still unfinished")
            time.sleep(1)
        known = {"runs": [], "materializations": [], "checks": [], "partitions": {}}
        for run in instance.get_runs():
            known["runs"].append(
                {
                    "job": run.job_name,
                    "status": run.status.value,
                    "work": run.tags.get(WORK),
                    "partition": run.tags.get("dagster/partition"),
                }
            )
            for log in instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION):
                made = log.dagster_event.step_materialization_data.materialization
                known["materializations"].append(
                    {
                        "asset": made.asset_key.to_user_string(),
                        "partition": made.partition,
                        "metadata": {name: value.value for name, value in made.metadata.items()},
                    }
                )
            for log in instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION):
                check = log.dagster_event.asset_check_evaluation_data
                known["checks"].append(
                    {
                        "asset": check.asset_key.to_user_string(),
                        "check": check.check_name,
                        "passed": check.passed,
                        "metadata": {name: value.value for name, value in check.metadata.items()},
                    }
                )
        for name in ("submissions", "submitter_months", "canonical_months"):
            known["partitions"][name] = sorted(instance.get_dynamic_partitions(name))
    json.dump(known, sys.stdout, default=str)


if __name__ == "__main__":
    main()
