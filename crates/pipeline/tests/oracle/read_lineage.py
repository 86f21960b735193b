"""Reads a file of OpenLineage events with the classes that OpenLineage publishes: every key must
be a field of its class, every facet of the version that it says, every value what the class
accepts."""

import json
import sys

import attr
from openlineage.client.generated import (
    column_lineage_dataset,
    data_quality_metrics_input_dataset,
    error_message_run,
    output_statistics_output_dataset,
    schema_dataset,
)
from openlineage.client import event_v2
from openlineage.client.serde import Serde

FACETS = {
    "schema": schema_dataset.SchemaDatasetFacet,
    "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet,
    "dataQualityMetrics": data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "errorMessage": error_message_run.ErrorMessageRunFacet,
}
# Members of facets that are classes of their own.
PARTS = {
    ("SchemaDatasetFacet", "fields"): schema_dataset.SchemaDatasetFacetFields,
    ("ColumnLineageDatasetFacet", "fields"): column_lineage_dataset.Fields,
    ("Fields", "inputFields"): column_lineage_dataset.InputField,
    ("InputField", "transformations"): column_lineage_dataset.Transformation,
    ("DataQualityMetricsInputDatasetFacet", "columnMetrics"):
        data_quality_metrics_input_dataset.ColumnMetrics,
}
seen = set()


def build(kind, members):
    fields = {field.name: field for field in attr.fields(kind)}
    unknown = set(members) - set(fields)
    assert not unknown, f"{kind.__name__} has no {unknown}"
    values = {}
    for name, value in members.items():
        if not fields[name].init:
            continue
        part = PARTS.get((kind.__name__, name))
        if part and isinstance(value, list):
            value = [build(part, each) for each in value]
        elif part:
            value = {key: build(part, each) for key, each in value.items()}
        values[fields[name].alias] = value
    return kind(**values)


def facets(found):
    built = {}
    for name, members in (found or {}).items():
        kind = FACETS[name]
        assert members["_schemaURL"] == kind._get_schema(), members["_schemaURL"]
        assert members["_producer"].startswith("https://")
        members = {key: value for key, value in members.items() if key[0] != "_"}
        built[name] = build(kind, members)
        seen.add(name)
    return built


def dataset(kind, found, own):
    assert set(found) <= {"namespace", "name", "facets", own}, found.keys()
    return kind(
        namespace=found["namespace"],
        name=found["name"],
        facets=facets(found.get("facets")),
        **{own: facets(found.get(own))},
    )


def run_event(found):
    assert set(found) == {
        "eventType", "eventTime", "producer", "schemaURL", "run", "job", "inputs", "outputs"
    }
    assert found["schemaURL"] == event_v2.RunEvent._get_schema(), found["schemaURL"]
    return event_v2.RunEvent(
        eventType=event_v2.RunState[found["eventType"]],
        eventTime=found["eventTime"],
        producer=found["producer"],
        run=event_v2.Run(found["run"]["runId"], facets(found["run"].get("facets"))),
        job=event_v2.Job(found["job"]["namespace"], found["job"]["name"]),
        inputs=[dataset(event_v2.InputDataset, each, "inputFacets") for each in found["inputs"]],
        outputs=[dataset(event_v2.OutputDataset, each, "outputFacets") for each in found["outputs"]],
    )


count = 0
for line in open(sys.argv[1]):
    event = run_event(json.loads(line))
    assert json.loads(Serde.to_json(event))["run"]["runId"] == json.loads(line)["run"]["runId"]
    count += 1
print(f"{count} events: {', '.join(sorted(seen))}")
