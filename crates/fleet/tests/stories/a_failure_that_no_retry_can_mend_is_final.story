# Bad input, a refusal, and whatever the worker itself calls final are not retried, however
# many runs are left.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders

> submit j1 for hash runs 5
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 fails j1 "no such file" as bad_input
  j1 failed "no such file" (bad_input); attempt 1 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = will not retry

> submit j2 for hash runs 5
  j2 submitted
  = accepted
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 8s
> w1 fails j2 "not that" as refusal after 5s
  j2 failed "not that" (refusal); attempt 1 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = will not retry

> submit j3 for hash runs 5
  j3 submitted
  = accepted
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 1, expires at 8s
> w1 fails j3 "hopeless" finally
  j3 failed "hopeless" (internal); attempt 1 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = will not retry

# A job with a single run has no other.
> submit j4 for hash runs 1
  j4 submitted
  = accepted
> w1 asks for work
  j4 assigned to w1 on m1, attempt 1
  w1 turns busy with j4, was idle
  = j4, attempt 1, expires at 8s
> w1 fails j4 "boom"
  j4 failed "boom" (internal); attempt 1 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = will not retry

# The end stands.
> w1 fails j1 "no such file" as bad_input
  ! lease lost
> w1 finishes j1
  ! lease lost
> look at j1
  failed at 0s, runs failed 1, lost in a row 0; 1 by w1: the end
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 4
  = no orders
