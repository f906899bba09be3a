CREATE INDEX point_org ON point (org);
