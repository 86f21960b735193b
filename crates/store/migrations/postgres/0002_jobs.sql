-- Work that failed: when it is tried again, and what waits for a person.
-- Declares the tables and columns of the SQLite file beside this one.

CREATE TABLE job_retry (
    job        TEXT NOT NULL,
    subject    TEXT NOT NULL,
    -- Runs begun since the last success.
    attempts   BIGINT NOT NULL,
    -- Those of them that no outage explains: what is stopped by them stays stopped.
    strikes    BIGINT NOT NULL,
    not_before TIMESTAMPTZ,
    stopped_at TIMESTAMPTZ,
    error      TEXT,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (job, subject)
);
CREATE INDEX job_retry_stopped ON job_retry (stopped_at) WHERE stopped_at IS NOT NULL;

-- How many submissions of a submitter are worked on is asked at every claim.
CREATE INDEX submission_busy ON submission (submitter_id) WHERE lease_owner IS NOT NULL;
-- The newest success of a job is asked by those who watch.
CREATE INDEX job_runs_newest ON job_runs (job, status, finished_at);

CREATE TABLE bootstrap_heartbeat (
    beat_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message TEXT NOT NULL,
    at      TIMESTAMPTZ NOT NULL
);
