"""Reading (抄表管理): reading plans, registers as they were received, and the validated reads and energies of a month."""
