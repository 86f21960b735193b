"""The partitions: a key is the subject of the work, as `lazaret job list` writes it.

All three sets are dynamic and hold the keys that exist, no more. A submitter's table by months
could be a grid, but most of its cells would never hold a row: submitters begin, end and miss
months. Dagster would show each such cell as missing, and a backfill would start a run for it.
"""

from dagster import DynamicPartitionsDefinition

# A submission's id.
submissions = DynamicPartitionsDefinition(name="submissions")
# state/file_type/submitter_id/YYYY-MM
submitter_months = DynamicPartitionsDefinition(name="submitter_months")
# state/file_type/YYYY-MM
canonical_months = DynamicPartitionsDefinition(name="canonical_months")
