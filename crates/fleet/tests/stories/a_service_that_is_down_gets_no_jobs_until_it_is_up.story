# A run that fails because the service is down counts as none. Its worker gets nothing of that
# service until its machine says it is up again, or it begins a new session; other services of it
# and other workers go on.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash,render slots 2
  w1 joined on m1 for hash,render, slots 2; completed 0, failed 0
  = no orders
> worker w2 of m2 registers for hash
  w2 joined on m2 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash runs 1
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 fails j1 "refused" as service_down
  w1 has hash down: refused
  j1 returned by w1 from in_progress: failed "refused" (service_down); runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = will retry at 0s
> look at j1
  pending, runs failed 0, lost in a row 0, handed back 1; 1 by w1: failed
> w1 asks for work
  = nothing
> submit j2 for render
  j2 submitted
  = accepted
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 8s
> w2 asks for work starting
  j1 assigned to w2 on m2, attempt 2
  w2 turns busy with j1, was idle
  j1 started by w2
  = j1, attempt 2, expires at 8s
> w2 finishes j1
  j1 completed with "done"; attempt 2 of w2 on m2, runs failed 0
  w2 turns idle, was busy
  = done

# It gets nothing until its machine says so; what another machine says does not count.
> submit j3 for hash
  j3 submitted
  = accepted
> why j3
  ready
  of 2 workers on 2 machines, 2 on 2 capable, 1 free
  ahead: 0
> w1 asks for work until 1m
  = nothing
> machine m2 beats up w1/hash
  = no orders
> machine m1 beats up w1/render
  = no orders
> machine m1 beats up w1/hash
  w1 has hash up
  j3 assigned to w1 on m1, attempt 1
  = no orders
> machine m1 beats up w1/hash
  = no orders

# A heartbeat may also say that it is down; what is held goes on.
> machine m1 beats down w1/hash
  w1 has hash down: its machine says so
  = no orders
> w1 finishes j3
  j3 started by w1
  j3 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done
> submit j4 for hash
  j4 submitted
  = accepted
> w1 asks for work
  = nothing
> worker w1 of m1 registers for hash,render slots 2 resuming j2
  w1 joined on m1 for hash,render, slots 2; completed 1, failed 1
  = no orders
> w1 asks for work starting
  j4 assigned to w1 on m1, attempt 1
  j4 started by w1
  = j4, attempt 1, expires at 8s

# The worker may ask for a delay. Each such return counts towards the ten.
> w1 fails j4 "refused" as service_down after 5s
  w1 has hash down: refused
  j4 returned by w1 from in_progress: failed "refused" (service_down), retry at 5s; runs failed 0, lost in a row 0, handed back 1
  = will retry at 5s
> look at j4
  pending until 5s, runs failed 0, lost in a row 0, handed back 1; 1 by w1: failed
> 5s tick
  = done
> w2 asks for work starting
  j4 assigned to w2 on m2, attempt 2
  w2 turns busy with j4, was idle
  j4 started by w2
  = j4, attempt 2, expires at 13s
> w2 fails j4 "refused" as service_down
  w2 has hash down: refused
  j4 returned by w2 from in_progress: failed "refused" (service_down); runs failed 0, lost in a row 0, handed back 2
  w2 turns idle, was busy
  = will retry at 5s

# Whoever says that no other run is wanted ends the job.
> machine m2 beats up w2/hash
  w2 has hash up
  = no orders
> w2 asks for work starting
  j4 assigned to w2 on m2, attempt 3
  w2 turns busy with j4, was idle
  j4 started by w2
  = j4, attempt 3, expires at 13s
> w2 fails j4 "refused" as service_down finally
  w2 has hash down: refused
  j4 failed "refused" (service_down); attempt 3 of w2 on m2, runs failed 1
  w2 turns idle, was busy
  = will not retry
> look at j4
  failed at 5s, runs failed 1, lost in a row 0, handed back 2; 1 by w1: failed; 2 by w2: failed; 3 by w2: the end

# What the worker does not offer cannot be down.
> machine m2 beats down w2/render
  = no orders
> machine m2 beats down w9/hash
  = no orders
