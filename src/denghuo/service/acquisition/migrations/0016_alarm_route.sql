-- Who has an alarm on his to-do list (告警派发): by unit and kind, from a day on. Without a role it is on nobody's.

CREATE TABLE alarm_route (
    route_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org text NOT NULL,
    kind text NOT NULL,
    effective_from date NOT NULL,
    role text,
    due_days int CHECK (due_days >= 0),
    reason text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    UNIQUE (org, kind, effective_from)
);
ALTER TABLE alarm_route ENABLE ROW LEVEL SECURITY;
-- The route of a unit above holds for those below, who must see it.
CREATE POLICY alarm_route_seen ON alarm_route FOR SELECT USING (true);
CREATE POLICY alarm_route_set ON alarm_route FOR INSERT WITH CHECK (denghuo.in_scope(org));
CREATE POLICY alarm_route_righted ON alarm_route FOR UPDATE USING (denghuo.in_scope(org));
