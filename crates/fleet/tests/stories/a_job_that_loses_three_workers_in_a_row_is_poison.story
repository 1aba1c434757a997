# A job that takes down three workers in a row while it runs fails as poison. A run that ends
# otherwise in between begins the row anew, and what had not started does not count.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash runs 2
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> +8s tick
  j1 returned by w1 from in_progress: lease_expired; runs failed 0, lost in a row 1
  w1 turns idle, was busy
  m1 silent
  = done
> machine m1 beats
  m1 is ready: w1 idle
  = no orders
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 2
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 2, expires at 16s
> worker w1 of m1 registers for hash
  j1 returned by w1 from in_progress: session_replaced; runs failed 0, lost in a row 2
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> look at j1
  pending, runs failed 0, lost in a row 2; 1 by w1: lease_expired; 2 by w1: session_replaced
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 3
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 3, expires at 16s
> worker w1 leaves
  j1 failed "its worker was lost 3 times in a row, the last time: worker_left" (broker poison); attempt 3 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  w1 left
  = done
> machine m1 takes orders
  = stop w1/j1#1, w1/j1#2, w1/j1#3
> look at j1
  failed at 8s, runs failed 0, lost in a row 0; 1 by w1: lease_expired; 2 by w1: session_replaced; 3 by w1: the end

# Failing is an answer: it ends the row.
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j2 for hash runs 2
  j2 submitted
  = accepted
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 16s
> worker w1 of m1 registers for hash
  j2 returned by w1 from in_progress: session_replaced; runs failed 0, lost in a row 1
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 2
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 2, expires at 16s
> worker w1 of m1 registers for hash
  j2 returned by w1 from in_progress: session_replaced; runs failed 0, lost in a row 2
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 3
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 3, expires at 16s
> w1 fails j2 "boom" roll min
  j2 returned by w1 from in_progress: failed "boom" (internal), retry at 8s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 8s
> tick
  = done
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 4
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 4, expires at 16s
> worker w1 of m1 registers for hash
  j2 returned by w1 from in_progress: session_replaced; runs failed 1, lost in a row 1
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 1; completed 0, failed 1
  = no orders
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 5
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 5, expires at 16s
> worker w1 of m1 registers for hash
  j2 returned by w1 from in_progress: session_replaced; runs failed 1, lost in a row 2
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 1; completed 0, failed 1
  = no orders

# Lost before it started: not the job's doing, however often.
> w1 asks for work
  j2 assigned to w1 on m1, attempt 6
  w1 turns busy with j2, was idle
  = j2, attempt 6, expires at 16s
> worker w1 of m1 registers for hash
  j2 returned by w1 from assigned: session_replaced; runs failed 1, lost in a row 2
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 1; completed 0, failed 1
  = no orders
> w1 asks for work
  j2 assigned to w1 on m1, attempt 7
  w1 turns busy with j2, was idle
  = j2, attempt 7, expires at 16s
> worker w1 of m1 registers for hash
  j2 returned by w1 from assigned: session_replaced; runs failed 1, lost in a row 2
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 1; completed 0, failed 1
  = no orders
> look at j2
  pending, runs failed 1, lost in a row 2; 1 by w1: session_replaced; 2 by w1: session_replaced; 3 by w1: failed; 4 by w1: session_replaced; 5 by w1: session_replaced; 6 by w1: session_replaced; 7 by w1: session_replaced

# And this is the third.
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 8
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 8, expires at 16s
> machine m1 leaves
  j2 failed "its worker was lost 3 times in a row, the last time: machine_left" (broker poison); attempt 8 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  w1 left
  m1 left
  = done
> look at j2
  failed at 8s, runs failed 1, lost in a row 0; 1 by w1: session_replaced; 2 by w1: session_replaced; 3 by w1: failed; 4 by w1: session_replaced; 5 by w1: session_replaced; 6 by w1: session_replaced; 7 by w1: session_replaced; 8 by w1: the end

# It counts as failed for the worker that had it last, also if a new session took it.
> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 1, expires at 16s
> worker w1 of m1 registers for hash
  j3 returned by w1 from in_progress: session_replaced; runs failed 0, lost in a row 1
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 2
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 2, expires at 16s
> worker w1 of m1 registers for hash
  j3 returned by w1 from in_progress: session_replaced; runs failed 0, lost in a row 2
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 3
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 3, expires at 16s
> worker w1 of m1 registers for hash
  j3 failed "its worker was lost 3 times in a row, the last time: session_replaced" (broker poison); attempt 3 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  w1 joined on m1 for hash, slots 1; completed 0, failed 1
  = no orders
