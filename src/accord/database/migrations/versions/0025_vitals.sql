-- How it stands with what a gateway cannot see itself, for /ready: the schema's version, by how many seconds the minutely
-- work of the workers is overdue (negative while it is not, null where no worker ever was), and how old the oldest mail is
-- that waits to be sent.

CREATE INDEX ix_mails_waiting ON accord.mails (created_at) WHERE state IN ('QUEUED', 'FAILED');

CREATE FUNCTION accord.vitals(OUT schema_version text, OUT worker_overdue double precision, OUT oldest_mail double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
SELECT (SELECT version_num FROM accord.alembic_version),
    (SELECT extract(epoch FROM clock_timestamp() - max(greatest(s.next_run, s.heartbeat)))
     FROM queue.pgqueuer_schedules s WHERE s.entrypoint = 'expiry'),
    (SELECT extract(epoch FROM clock_timestamp() - min(m.created_at))
     FROM accord.mails m WHERE m.state IN ('QUEUED', 'FAILED'));
$$;
