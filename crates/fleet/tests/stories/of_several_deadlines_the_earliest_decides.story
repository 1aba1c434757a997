# When a tick finds several deadlines of a lease passed, the earliest decides; of two at once the
# one that blames the worker least. The times of a job have an order, too.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 9
  w1 joined on m1 for hash, slots 9; completed 0, failed 0
  = no orders

# The lease expired at 8 s, before it had not started at 10 s.
> submit j1 for hash
  j1 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> 20s tick
  j1 returned by w1 from assigned: lease_expired; runs failed 0, lost in a row 0
  w1 turns idle, was busy
  m1 silent
  = done

# Both at once: the lease expired.
> w1 asks for work
  m1 is ready: w1 idle
  j1 assigned to w1 on m1, attempt 2
  w1 turns busy with j1, was idle
  = j1, attempt 2, expires at 28s
> 22s machine m1 beats with w1/j1
  = no orders
> 30s tick
  j1 returned by w1 from assigned: lease_expired; runs failed 0, lost in a row 0
  w1 turns idle, was busy
  m1 silent
  = done
> submit j2 for hash run-for 8s
  j2 submitted
  = accepted
> w1 asks for work starting
  m1 is ready: w1 idle
  j1 assigned to w1 on m1, attempt 3
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 3, expires at 38s
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  j2 started by w1
  = j2, attempt 1, expires at 38s
> 38s tick
  j1 returned by w1 from in_progress: lease_expired; runs failed 0, lost in a row 1
  j2 returned by w1 from in_progress: lease_expired; runs failed 0, lost in a row 1
  w1 turns idle, was busy
  m1 silent
  = done
> cancel j1
  j1 cancelled; attempt 3, runs failed 0
  = done
> cancel j2
  j2 cancelled; attempt 1, runs failed 0
  = done

# Not started, before the lease expired.
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work
  m1 is ready: w1 idle
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 46s
> 45s machine m1 beats with w1/j3
  = no orders
> 58s tick
  j3 returned by w1 from assigned: not_started; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  m1 silent
  = done

# The run out of time, before the lease expired.
> submit j4 for hash run-for 5s priority 90
  j4 submitted
  = accepted
> w1 asks for work starting
  m1 is ready: w1 idle
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  j4 started by w1
  = j4, attempt 1, expires at 1m6s
> 59s w1 renews j4
  = no orders
> 2m tick
  j4 returned by w1 from in_progress: failed "ran longer than 5000 ms (run_for_ms)" (timeout run_for), retry at 2m; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  m1 silent
  = done

# It expires at once with its run out of time: the run fails first, and then the job expires.
> cancel j4
  j4 cancelled; attempt 1, runs failed 1
  = done
> submit j5 for hash run-for 5s finish-by 2m5s priority 90
  j5 submitted
  = accepted
> w1 asks for work starting
  m1 is ready: w1 idle
  j5 assigned to w1 on m1, attempt 1
  w1 turns busy with j5, was idle
  j5 started by w1
  = j5, attempt 1, expires at 2m8s
> 2m5s tick
  j5 returned by w1 from in_progress: failed "ran longer than 5000 ms (run_for_ms)" (timeout run_for), retry at 2m5s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  j5 expired, not finished by 2m5s; attempt 1, runs failed 1
  = done

# Unmatched and starting too late at once: it expires.
> submit j6 for draw fail-if-unmatched 5s start-by 2m10s
  j6 submitted
  j6 unschedulable, missing service: draw
  = accepted
> 2m10s tick
  m1 silent
  j6 expired, not started by 2m10s; attempt 0, runs failed 0
  = done
