# What has ended is known until the archive has it, for a minute at least, and as long as it is
# among the newest of its kind: completed, or failed and cancelled. Then it is forgotten; how many
# ended is not, and no number of submission is given twice.
> rules tail 1

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 3
  w1 joined on m1 for hash, slots 3; completed 0, failed 0
  = no orders
> submit j1 for hash payload "a"
  j1 submitted
  = accepted
> submit j2 for hash
  j2 submitted
  = accepted
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  j2 started by w1
  = j2, attempt 1, expires at 8s
> 1s w1 finishes j1 with "x"
  j1 completed with "x"; attempt 1 of w1 on m1, runs failed 0
  = done
> w1 finishes j2 with "x"
  j2 completed with "x"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> submit c1 for hash
  c1 submitted
  = accepted
> submit c2 for hash
  c2 submitted
  = accepted
> submit c3 for hash
  c3 submitted
  = accepted
> cancel c1
  c1 cancelled; attempt 0, runs failed 0
  = done
> cancel c3
  c3 cancelled; attempt 0, runs failed 0
  = done
> 2s cancel c2
  c2 cancelled; attempt 0, runs failed 0
  = done
> tally
  1 pending, 0 assigned, 0 in progress; in all 2 completed, 0 failed, 3 cancelled
> machine m1 leaves
  w1 left
  m1 left
  = done

# Nothing is forgotten before the archive says that it has it.
> deadline
  at once
> 24h tick
  j3 unschedulable, missing service: hash
  = done
> submit j1 for hash payload "b"
  ! job id conflict: j1
> archived before 1s
  = done
> deadline
  none
> tick
  = done

# The order is that of the ends, then of the submissions; each kind keeps its newest.
> archived before 1s1ms
  = done
> deadline
  1m1s
> tick
  forgotten: 1 completed, 2 others
  = done
> look at j1
  unknown
> look at j2
  completed at 1s, runs failed 0, lost in a row 0; 1 by w1: the end
> look at c1
  unknown
> look at c2
  cancelled at 2s, runs failed 0, lost in a row 0
> look at c3
  unknown
> tally
  1 pending, 0 assigned, 0 in progress; in all 2 completed, 0 failed, 3 cancelled
> w1 finishes j1 with "x"
  ! lease lost
> cancel j1
  ! job not found: j1

# What the archive says is not taken back.
> archived before 0s
  = done
> submit j1 for hash payload "b"
  j1 submitted
  j1 unschedulable, missing service: hash
  = accepted
> cancel j1
  j1 cancelled; attempt 0, runs failed 0
  = done
> archived before 24h1s
  = done
> deadline
  1m2s
> +59s999ms tick
  forgotten: 0 completed, 1 others
  = done
> +1ms tick
  = done
> look at c2
  unknown
> look at j1
  cancelled at 24h, runs failed 0, lost in a row 0

# What was forgotten stays forgotten and counted; that it was archived is said again.
> restart
> tally
  1 pending, 0 assigned, 0 in progress; in all 2 completed, 0 failed, 4 cancelled
> look at c2
  unknown
> submit j9 for hash
  j9 submitted
  j9 unschedulable, missing service: hash
  = accepted
> look at j9
  pending, unschedulable since 24h1m, runs failed 0, lost in a row 0
> queue
  j3, j9
> cancel j9
  j9 cancelled; attempt 0, runs failed 0
  = done
> cancel j3
  j3 cancelled; attempt 0, runs failed 0
  = done
> deadline
  none
> archived before 48h
  = done
> deadline
  24h1m
