-- What went wrong and whom it was told: incidents, and one delivery per channel and action.

-- Since when what happens is told of at all: a history that was there before stays quiet.
-- `*` is this database; any other subject is a feed.
CREATE TABLE alert_watch (
    subject TEXT PRIMARY KEY,
    since   TEXT NOT NULL
) STRICT;
INSERT INTO alert_watch (subject, since) VALUES ('*', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));

CREATE TABLE alert_incident (
    incident_id TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN (
                    'reject_ratio', 'stale_feed', 'failure', 'failed_submission', 'failed_month')),
    subject     TEXT NOT NULL,
    opened_at   TEXT NOT NULL,
    resolved_at TEXT,
    detail      TEXT NOT NULL,
    resolution  TEXT,
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
) STRICT;
-- One incident at a time, however many processes find it.
CREATE UNIQUE INDEX alert_incident_open ON alert_incident (kind, subject)
    WHERE resolved_at IS NULL;
CREATE INDEX alert_incident_resolved ON alert_incident (kind, subject, resolved_at)
    WHERE resolved_at IS NOT NULL;

CREATE TABLE alert_delivery (
    delivery_id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id TEXT NOT NULL REFERENCES alert_incident (incident_id),
    channel     TEXT NOT NULL CHECK (channel IN ('webhook', 'slack', 'pagerduty')),
    action      TEXT NOT NULL CHECK (action IN ('OPEN', 'RESOLVE')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    due_at      TEXT NOT NULL,
    sent_at     TEXT,
    given_up_at TEXT,
    error       TEXT,
    lease_owner TEXT,
    lease_until TEXT,
    UNIQUE (incident_id, channel, action),
    CHECK (sent_at IS NULL OR given_up_at IS NULL),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) STRICT;
CREATE INDEX alert_delivery_due ON alert_delivery (due_at, delivery_id)
    WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX alert_delivery_leased ON alert_delivery (lease_owner) WHERE lease_owner IS NOT NULL;

CREATE INDEX job_runs_failed ON job_runs (finished_at) WHERE status = 'FAILED';
CREATE INDEX canonical_build_failed ON canonical_build (finished_at) WHERE status = 'FAILED';
CREATE INDEX submission_of_feed ON submission (feed, state, received_at);
