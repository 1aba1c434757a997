# That no worker of the fleet could run a job is told with its submission, when the last one that
# could has gone, and when one has come. It is no end: the job waits.

> submit j1 for hash
  j1 submitted
  j1 unschedulable, missing service: hash
  = accepted
> submit j2 for hash needs gpu 24 needs tag fast
  j2 submitted
  j2 unschedulable, missing service: hash
  = accepted
> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for render
  w1 joined on m1 for render, slots 1; completed 0, failed 0
  = no orders
> tick
  = done
> worker w2 of m1 registers for hash with gpu 16
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> deadline
  at once
> tick
  j1 schedulable
  = done
> tick
  = done
> look at j1
  pending, runs failed 0, lost in a row 0
> look at j2
  pending, unschedulable since 0s, runs failed 0, lost in a row 0
> submit j3 for hash needs gpu 24
  j3 submitted
  j3 unschedulable, missing hardware.gpu_memory_gb >= 24
  = accepted
> submit j4 for hash
  j4 submitted
  = accepted

# Busy, drained, in error, silent, paused: all that may pass, and is not told.
> w2 asks for work starting
  j1 assigned to w2 on m1, attempt 1
  w2 turns busy with j1, was idle
  j1 started by w2
  = j1, attempt 1, expires at 8s
> drain worker w2
  w2 is drained: draining, was busy
  = done
> submit j5 for hash
  j5 submitted
  = accepted
> undrain worker w2
  w2 is drained no more: busy, was draining
  = done
> machine m1 beats with w2/j1 errs w2
  w2 declares itself error, was busy
  = no orders
> submit j6 for hash
  j6 submitted
  = accepted
> pause hash
  hash paused
  = done
> submit j7 for hash
  j7 submitted
  = accepted
> resume hash
  hash resumed
  = done
> machine m1 beats with w2/j1 recovers w2
  w2 declares itself busy, was error
  = no orders
> drain machine m1
  m1 is ready, drained: w1 draining, w2 draining with j1
  w1 turns draining, was idle
  w2 turns draining with j1, was busy
  = done
> submit j8 for hash
  j8 submitted
  = accepted
> undrain machine m1
  m1 is ready: w1 idle, w2 busy with j1
  w1 turns idle, was draining
  w2 turns busy with j1, was draining
  = done
> cancel j5
  j5 cancelled; attempt 0, runs failed 0
  = done
> cancel j6
  j6 cancelled; attempt 0, runs failed 0
  = done
> cancel j7
  j7 cancelled; attempt 0, runs failed 0
  = done
> cancel j8
  j8 cancelled; attempt 0, runs failed 0
  = done

# A worker that comes as it was leaves no moment without it.
> worker w2 of m1 registers for hash with gpu 16 resuming j1
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> deadline
  8s
> tick
  = done

# The last one leaves, with its job.
> 1s worker w2 leaves
  j1 returned by w2 from in_progress: worker_left; runs failed 0, lost in a row 1
  w2 turns idle, was busy
  w2 left
  = done
> 2s tick
  j1 unschedulable, missing service: hash
  j4 unschedulable, missing service: hash
  = done
> look at j1
  pending, unschedulable since 2s, runs failed 0, lost in a row 1; 1 by w2: worker_left
> why j1
  no capable worker
  of 1 workers on 1 machines, 0 on 0 capable, 0 free
  fails: service: hash (on 1)
  nearest: w1 on m1 lacks service: hash

# What comes back and what is delayed is told, too.
> worker w3 of m1 registers for hash
  w3 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w3 asks for work starting
  j1 schedulable
  j1 assigned to w3 on m1, attempt 2
  w3 turns busy with j1, was idle
  j1 started by w3
  = j1, attempt 2, expires at 10s
> w3 fails j1 "boom" after 5s
  j1 returned by w3 from in_progress: failed "boom" (internal), retry at 7s; runs failed 1, lost in a row 0
  w3 turns idle, was busy
  = will retry at 7s
> 3s worker w3 leaves
  w3 left
  = done
> tick
  j1 unschedulable, missing service: hash
  = done
> look at j1
  pending until 7s, unschedulable since 3s, runs failed 1, lost in a row 0; 1 by w2: worker_left; 2 by w3: failed
> submit j9 for hash not-before 1h
  j9 submitted
  j9 unschedulable, missing service: hash
  = accepted
> 4s worker w3 of m1 registers for hash
  w3 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit k1 for hash
  k1 submitted
  = accepted
> tick
  j1 schedulable
  j4 schedulable
  j9 schedulable
  = done
> look at j4
  pending, runs failed 0, lost in a row 0

# A job that is told to have nobody is given: first it is told that it has.
> worker w3 leaves
  w3 left
  = done
> tick
  j1 unschedulable, missing service: hash
  j4 unschedulable, missing service: hash
  j9 unschedulable, missing service: hash
  k1 unschedulable, missing service: hash
  = done
> worker w3 of m1 registers for hash
  w3 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w3 asks for work
  j4 schedulable
  j4 assigned to w3 on m1, attempt 1
  w3 turns busy with j4, was idle
  = j4, attempt 1, expires at 12s

# Whose job it is counts, too.
> worker w4 of m1 registers for draw with allowing acme
  w4 joined on m1 for draw, slots 1; completed 0, failed 0
  = no orders
> submit d1 for draw
  d1 submitted
  d1 unschedulable, missing open to jobs without a customer
  = accepted
> submit d2 for draw customer beta
  d2 submitted
  d2 unschedulable, missing open to customer beta
  = accepted
> submit d3 for draw customer acme
  d3 submitted
  = accepted
> worker w5 of m1 registers for draw with denying evil
  w5 joined on m1 for draw, slots 1; completed 0, failed 0
  = no orders
> tick
  j1 schedulable
  j9 schedulable
  k1 schedulable
  d1 schedulable
  d2 schedulable
  = done
> submit d4 for draw customer evil
  d4 submitted
  d4 unschedulable, missing open to customer evil
  = accepted
> worker w6 of m1 registers for draw with bound f1
  w6 joined on m1 for draw, slots 1; completed 0, failed 0
  = no orders
> tick
  = done
> submit d5 for draw customer evil in workflow f1
  d5 submitted with its workflow's priority 50 of 4s
  = accepted
> worker w6 leaves
  w6 left
  = done
> tick
  d5 unschedulable, missing open to customer evil
  = done
