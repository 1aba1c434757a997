# After a failed run a job waits anything up to base × factor ^ (failed runs - 1), and never more
# than its largest; what the worker asks for goes before.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash runs 6 backoff 2s,3,30s
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 fails j1 "boom" roll half
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 1s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 1s
> 999ms tick
  = done
> w1 asks for work
  = nothing
> 1s tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 2
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 2, expires at 9s
> w1 fails j1 "boom" roll half
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 4s; runs failed 2, lost in a row 0
  w1 turns idle, was busy
  = will retry at 4s
> 4s tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 3
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 3, expires at 12s
> w1 fails j1 "boom" roll half
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 13s; runs failed 3, lost in a row 0
  w1 turns idle, was busy
  = will retry at 13s
> 13s tick
  m1 silent
  = done
> w1 asks for work starting
  m1 is ready: w1 idle
  j1 assigned to w1 on m1, attempt 4
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 4, expires at 21s
> w1 fails j1 "boom" roll half
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 28s; runs failed 4, lost in a row 0
  w1 turns idle, was busy
  = will retry at 28s
> 28s tick
  m1 silent
  = done
> w1 asks for work starting
  m1 is ready: w1 idle
  j1 assigned to w1 on m1, attempt 5
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 5, expires at 36s
> w1 fails j1 "boom" after 1s roll half
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 29s; runs failed 5, lost in a row 0
  w1 turns idle, was busy
  = will retry at 29s
> 29s tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 6
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 6, expires at 37s
> w1 fails j1 "boom"
  j1 failed "boom" (internal); attempt 6 of w1 on m1, runs failed 6
  w1 turns idle, was busy
  = will not retry

# None at all, and one that does not grow.
> submit j2 for hash backoff 0s,2,0s
  j2 submitted
  = accepted
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 37s
> w1 fails j2 "boom" roll max
  j2 returned by w1 from in_progress: failed "boom" (internal), retry at 29s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 29s
> tick
  = done
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 2
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 2, expires at 37s
> cancel j2
  j2 cancelled; attempt 2 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = done
> submit j3 for hash backoff 10s,1,10s
  j3 submitted
  = accepted
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 1, expires at 37s
> w1 fails j3 "boom" roll half
  j3 returned by w1 from in_progress: failed "boom" (internal), retry at 34s; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 34s
> 34s tick
  = done
> w1 asks for work starting
  j3 assigned to w1 on m1, attempt 2
  w1 turns busy with j3, was idle
  j3 started by w1
  = j3, attempt 2, expires at 42s
> w1 fails j3 "boom" roll half
  j3 returned by w1 from in_progress: failed "boom" (internal), retry at 39s; runs failed 2, lost in a row 0
  w1 turns idle, was busy
  = will retry at 39s
> look at j3
  pending until 39s, runs failed 2, lost in a row 0; 1 by w1: failed; 2 by w1: failed
