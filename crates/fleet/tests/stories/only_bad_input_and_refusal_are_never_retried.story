# Whatever the kind of failure, another run follows while runs are left, but for bad input and
# refusal; the kind is told as it was said.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash with gpu 8
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash runs 9 backoff 0s,1,0s
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 fails j1 "a" as out_of_memory
  j1 returned by w1 from in_progress: failed "a" (out_of_memory), retry at 0s; runs failed 1, lost in a row 0, wants more than 8 GB
  w1 turns idle, was busy
  = will retry at 0s
> tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 2
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 2, expires at 8s
> w1 fails j1 "b" as timeout
  j1 returned by w1 from in_progress: failed "b" (timeout), retry at 0s; runs failed 2, lost in a row 0, wants more than 8 GB
  w1 turns idle, was busy
  = will retry at 0s
> tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 3
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 3, expires at 8s
> w1 fails j1 "c" as rate_limit after 3s
  j1 returned by w1 from in_progress: failed "c" (rate_limit), retry at 3s; runs failed 3, lost in a row 0, wants more than 8 GB
  w1 turns idle, was busy
  = will retry at 3s
> 3s tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 4
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 4, expires at 11s
> w1 fails j1 "d" as auth
  j1 returned by w1 from in_progress: failed "d" (auth), retry at 3s; runs failed 4, lost in a row 0, wants more than 8 GB
  w1 turns idle, was busy
  = will retry at 3s
> tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 5
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 5, expires at 11s
> w1 fails j1 "e" as network
  j1 returned by w1 from in_progress: failed "e" (network), retry at 3s; runs failed 5, lost in a row 0, wants more than 8 GB
  w1 turns idle, was busy
  = will retry at 3s
> tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 6
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 6, expires at 11s
> w1 fails j1 "f" as bad_output
  j1 returned by w1 from in_progress: failed "f" (bad_output), retry at 3s; runs failed 6, lost in a row 0, wants more than 8 GB
  w1 turns idle, was busy
  = will retry at 3s
> tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 7
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 7, expires at 11s
> w1 fails j1 "g" as internal
  j1 returned by w1 from in_progress: failed "g" (internal), retry at 3s; runs failed 7, lost in a row 0, wants more than 8 GB
  w1 turns idle, was busy
  = will retry at 3s
> tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 8
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 8, expires at 11s
> w1 fails j1 "h" as broker
  j1 returned by w1 from in_progress: failed "h" (broker), retry at 3s; runs failed 8, lost in a row 0, wants more than 8 GB
  w1 turns idle, was busy
  = will retry at 3s
> tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 9
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 9, expires at 11s
> w1 fails j1 "i" as timeout
  j1 failed "i" (timeout); attempt 9 of w1 on m1, runs failed 9
  w1 turns idle, was busy
  = will not retry
> submit j2 for hash runs 9
  j2 submitted
  = accepted
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 11s
> w1 fails j2 "k" as bad_input after 3s
  j2 failed "k" (bad_input); attempt 1 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = will not retry
> submit j3 for hash runs 9
  j3 submitted
  = accepted
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 11s
> w1 fails j3 "l" as refusal
  j3 failed "l" (refusal); attempt 1 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = will not retry
