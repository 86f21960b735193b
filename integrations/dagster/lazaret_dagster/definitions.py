"""The code location."""

from dagster import Definitions, in_process_executor

from lazaret_dagster.assets import ASSETS
from lazaret_dagster.jobs import JOBS
from lazaret_dagster.lazaret import Lazaret
from lazaret_dagster.sensors import SCHEDULES, SENSORS

defs = Definitions(
    assets=ASSETS,
    jobs=JOBS,
    sensors=SENSORS,
    schedules=SCHEDULES,
    resources={"lazaret": Lazaret.of_environment()},
    # A step only waits for the program, so a process of its own would cost seconds for nothing.
    executor=in_process_executor,
)
