-- Open alarms of one kind are counted by terminal, and by area through its terminals: a storm of them is one matter on the to-do list.

CREATE INDEX alarm_gathered ON alarm (terminal_no, kind) WHERE state <> 'closed';
CREATE INDEX terminal_area ON terminal (area_no) WHERE area_no IS NOT NULL;
