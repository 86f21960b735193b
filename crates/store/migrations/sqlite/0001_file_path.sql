-- The file path: what was seen, what was accepted, what stands for which month.
-- Times are TEXT in RFC 3339, UTC, microseconds, fixed width: they sort as they read.
-- JSON is TEXT. The Postgres file beside this one declares the same tables and columns.

CREATE TABLE submitter (
    submitter_id TEXT PRIMARY KEY,
    state        TEXT NOT NULL,
    title        TEXT NOT NULL,
    updated_at   TEXT NOT NULL
) STRICT;

CREATE TABLE layout_registry (
    file_type     TEXT NOT NULL,
    version       INTEGER NOT NULL,
    content_hash  TEXT NOT NULL,
    title         TEXT NOT NULL,
    document      TEXT NOT NULL,
    registered_at TEXT NOT NULL,
    PRIMARY KEY (file_type, version)
) STRICT;

CREATE TABLE canonical_schema (
    file_type    TEXT NOT NULL,
    version      INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    title        TEXT NOT NULL,
    document     TEXT NOT NULL,
    synced_at    TEXT NOT NULL,
    PRIMARY KEY (file_type, version)
) STRICT;

CREATE TABLE canonical_mapping (
    file_type                TEXT NOT NULL,
    layout_version           INTEGER NOT NULL,
    version                  INTEGER NOT NULL,
    canonical_schema_version INTEGER NOT NULL,
    content_hash             TEXT NOT NULL,
    document                 TEXT NOT NULL,
    synced_at                TEXT NOT NULL,
    PRIMARY KEY (file_type, layout_version, version)
) STRICT;

CREATE TABLE submission (
    submission_id   TEXT PRIMARY KEY,
    grouping_key    TEXT NOT NULL,
    grouping_method TEXT NOT NULL CHECK (grouping_method IN ('MARKER_FILE', 'QUIESCENCE')),
    state           TEXT NOT NULL CHECK (state IN (
                        'RECEIVED', 'READY_FOR_PARSE', 'NEEDS_REVIEW', 'PARSED', 'PARSE_FAILED',
                        'VALIDATED', 'VALIDATED_WITH_WARNINGS', 'VALIDATION_FAILED')),
    state_reason    TEXT,
    submitter_id    TEXT,
    file_type       TEXT,
    layout_version  INTEGER,
    feed            TEXT,
    jurisdiction    TEXT,
    content_hash    TEXT,
    duplicate_of    TEXT REFERENCES submission (submission_id),
    received_at     TEXT NOT NULL,
    staged_at       TEXT,
    updated_at      TEXT NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    rows_in         INTEGER,
    rows_accepted   INTEGER,
    rows_rejected   INTEGER,
    warnings        INTEGER,
    bytes_in        INTEGER,
    competed_at     TEXT,
    lease_owner     TEXT,
    lease_until     TEXT,
    FOREIGN KEY (file_type, layout_version) REFERENCES layout_registry (file_type, version),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    CHECK (rows_in = rows_accepted + rows_rejected),
    -- What is past staging is classified; only a review may still lack it.
    CHECK (state IN ('RECEIVED', 'NEEDS_REVIEW')
        OR (submitter_id IS NOT NULL AND jurisdiction IS NOT NULL AND content_hash IS NOT NULL
            AND file_type IS NOT NULL AND layout_version IS NOT NULL))
) STRICT;

-- What is due, oldest first. A submission that has competed is done: however long the history,
-- a claim looks at the open ones alone.
CREATE INDEX submission_due ON submission (state, received_at, submission_id)
    WHERE competed_at IS NULL;
CREATE INDEX submission_leased ON submission (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX submission_content ON submission (content_hash);
CREATE INDEX submission_newest ON submission (received_at, submission_id);

CREATE TABLE submission_file (
    submission_id TEXT NOT NULL REFERENCES submission (submission_id),
    ordinal       INTEGER NOT NULL,
    object_key    TEXT NOT NULL,
    file_name     TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    etag          TEXT,
    raw_key       TEXT NOT NULL,
    sha256        TEXT,
    rows_in       INTEGER,
    rows_accepted INTEGER,
    rows_rejected INTEGER,
    PRIMARY KEY (submission_id, ordinal),
    CHECK (rows_in = rows_accepted + rows_rejected)
) STRICT;

CREATE TABLE submission_month (
    submission_id TEXT NOT NULL REFERENCES submission (submission_id),
    atomic_month  TEXT NOT NULL,
    rows          INTEGER NOT NULL,
    PRIMARY KEY (submission_id, atomic_month)
) STRICT;
CREATE INDEX submission_month_covers ON submission_month (atomic_month, submission_id);

CREATE TABLE inbox_object (
    object_key    TEXT PRIMARY KEY,
    grouping_key  TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    etag          TEXT,
    last_modified TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    changed_at    TEXT NOT NULL,
    submission_id TEXT REFERENCES submission (submission_id)
) STRICT;
CREATE INDEX inbox_object_group ON inbox_object (grouping_key, object_key);
CREATE INDEX inbox_object_untaken ON inbox_object (grouping_key) WHERE submission_id IS NULL;

CREATE TABLE submitter_gold_winner (
    state                TEXT NOT NULL,
    file_type            TEXT NOT NULL,
    submitter_id         TEXT NOT NULL,
    atomic_month         TEXT NOT NULL,
    submission_id        TEXT NOT NULL REFERENCES submission (submission_id),
    chosen_at            TEXT NOT NULL,
    reason               TEXT NOT NULL,
    pinned_submission_id TEXT REFERENCES submission (submission_id),
    gold_submission_id   TEXT REFERENCES submission (submission_id),
    gold_rows            INTEGER,
    lease_owner          TEXT,
    lease_until          TEXT,
    PRIMARY KEY (state, file_type, submitter_id, atomic_month),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) STRICT;
CREATE INDEX submitter_gold_winner_due ON submitter_gold_winner (chosen_at)
    WHERE gold_submission_id IS NULL OR gold_submission_id <> submission_id;
CREATE INDEX submitter_gold_winner_leased ON submitter_gold_winner (lease_owner)
    WHERE lease_owner IS NOT NULL;

CREATE TABLE canonical_build (
    build_id                 TEXT PRIMARY KEY,
    state                    TEXT NOT NULL,
    file_type                TEXT NOT NULL,
    atomic_month             TEXT NOT NULL,
    status                   TEXT NOT NULL
                             CHECK (status IN ('RUNNING', 'SUCCEEDED', 'SKIPPED', 'FAILED')),
    fingerprint              TEXT NOT NULL,
    canonical_schema_version INTEGER NOT NULL,
    rows                     INTEGER,
    sources                  TEXT NOT NULL,
    reason                   TEXT,
    delta_version            INTEGER,
    started_at               TEXT NOT NULL,
    finished_at              TEXT,
    CHECK ((status = 'RUNNING') = (finished_at IS NULL))
) STRICT;
CREATE INDEX canonical_build_month
    ON canonical_build (state, file_type, atomic_month, status, started_at);

CREATE TABLE canonical_rebuild_queue (
    queue_id      INTEGER PRIMARY KEY AUTOINCREMENT,
    state         TEXT NOT NULL,
    file_type     TEXT NOT NULL,
    atomic_month  TEXT NOT NULL,
    reason        TEXT NOT NULL,
    submission_id TEXT REFERENCES submission (submission_id),
    enqueued_at   TEXT NOT NULL,
    processed_at  TEXT,
    build_id      TEXT REFERENCES canonical_build (build_id),
    lease_owner   TEXT,
    lease_until   TEXT,
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) STRICT;
CREATE INDEX canonical_rebuild_queue_pending
    ON canonical_rebuild_queue (state, file_type, atomic_month, queue_id)
    WHERE processed_at IS NULL;

CREATE TABLE job_runs (
    run_id      TEXT PRIMARY KEY,
    job         TEXT NOT NULL,
    subject     TEXT NOT NULL,
    status      TEXT NOT NULL
                CHECK (status IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'INTERRUPTED')),
    attempt     INTEGER NOT NULL,
    counts      TEXT,
    error       TEXT,
    owner       TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    CHECK ((status = 'RUNNING') = (finished_at IS NULL))
) STRICT;
CREATE INDEX job_runs_of_subject ON job_runs (job, subject, run_id);
CREATE INDEX job_runs_running ON job_runs (owner) WHERE status = 'RUNNING';

CREATE TABLE job_checkpoints (
    job        TEXT NOT NULL,
    subject    TEXT NOT NULL,
    checkpoint TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (job, subject)
) STRICT;

CREATE TABLE audit_log (
    audit_id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at           TEXT NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    detail       TEXT NOT NULL
) STRICT;
CREATE INDEX audit_log_subject ON audit_log (subject_id, audit_id);
