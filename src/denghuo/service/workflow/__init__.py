"""Workflow (工作流): who has what to do, and who has agreed to what; owns tasks and approvals."""
