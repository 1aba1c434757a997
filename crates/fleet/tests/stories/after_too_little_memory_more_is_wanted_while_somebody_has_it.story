# After `out_of_memory` the next run also needs more GPU memory than the worker that failed had, as
# long as a known worker that fits has more. If there is none, any that fits will do.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w8 of m1 registers for hash with gpu 8
  w8 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w16 of m1 registers for hash with gpu 16
  w16 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w24 of m1 registers for hash with gpu 24
  w24 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker r80 of m1 registers for render with gpu 80
  r80 joined on m1 for render, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash runs 10 backoff 0s,1,0s
  j1 submitted
  = accepted
> w8 asks for work starting
  j1 assigned to w8 on m1, attempt 1
  w8 turns busy with j1, was idle
  j1 started by w8
  = j1, attempt 1, expires at 8s
> w8 fails j1 "no memory" as out_of_memory
  j1 returned by w8 from in_progress: failed "no memory" (out_of_memory), retry at 0s; runs failed 1, lost in a row 0, wants more than 8 GB
  w8 turns idle, was busy
  = will retry at 0s
> tick
  = done
> w8 asks for work
  = nothing
> look at j1
  pending until 0s, runs failed 1, lost in a row 0, wants more than 8 GB; 1 by w8: failed
> why j1
  ready
  of 4 workers on 1 machines, 2 on 1 capable, 2 free
  nearest: r80 on m1 lacks service: hash
  ahead: 0
> w16 asks for work starting
  j1 assigned to w16 on m1, attempt 2
  w16 turns busy with j1, was idle
  j1 started by w16
  = j1, attempt 2, expires at 8s
> w16 fails j1 "no memory" as out_of_memory
  j1 returned by w16 from in_progress: failed "no memory" (out_of_memory), retry at 0s; runs failed 2, lost in a row 0, wants more than 16 GB
  w16 turns idle, was busy
  = will retry at 0s
> tick
  = done
> w16 asks for work
  = nothing
> w8 asks for work
  = nothing

# The one that has more is busy: the others wait all the same.
> submit j2 for hash priority 99
  j2 submitted
  = accepted
> w24 asks for work starting
  j2 assigned to w24 on m1, attempt 1
  w24 turns busy with j2, was idle
  j2 started by w24
  = j2, attempt 1, expires at 8s
> w16 asks for work
  = nothing
> w24 finishes j2
  j2 completed with "done"; attempt 1 of w24 on m1, runs failed 0
  w24 turns idle, was busy
  = done
> w24 asks for work starting
  j1 assigned to w24 on m1, attempt 3
  w24 turns busy with j1, was idle
  j1 started by w24
  = j1, attempt 3, expires at 8s

# Another failure keeps what is wanted; a smaller worker's cannot lower it.
> w24 fails j1 "boom"
  j1 returned by w24 from in_progress: failed "boom" (internal), retry at 0s; runs failed 3, lost in a row 0, wants more than 16 GB
  w24 turns idle, was busy
  = will retry at 0s
> tick
  = done
> w16 asks for work
  = nothing

# The largest failed, too: there is no more to have, so everyone may.
> w24 asks for work starting
  j1 assigned to w24 on m1, attempt 4
  w24 turns busy with j1, was idle
  j1 started by w24
  = j1, attempt 4, expires at 8s
> w24 fails j1 "no memory" as out_of_memory
  j1 returned by w24 from in_progress: failed "no memory" (out_of_memory), retry at 0s; runs failed 4, lost in a row 0, wants more than 24 GB
  w24 turns idle, was busy
  = will retry at 0s
> tick
  = done
> w8 asks for work
  j1 assigned to w8 on m1, attempt 5
  w8 turns busy with j1, was idle
  = j1, attempt 5, expires at 8s
> w8 fails j1 "no memory" as out_of_memory
  j1 returned by w8 from assigned: failed "no memory" (out_of_memory), retry at 0s; runs failed 5, lost in a row 0, wants more than 24 GB
  w8 turns idle, was busy
  = will retry at 0s
> tick
  = done
> look at j1
  pending until 0s, runs failed 5, lost in a row 0, wants more than 24 GB; 1 by w8: failed; 2 by w16: failed; 3 by w24: failed; 4 by w24: failed; 5 by w8: failed

# Until somebody comes who has more.
> worker w80 of m1 registers for hash with gpu 80
  w80 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w8 asks for work until 1m
  = nothing
> w24 asks for work
  = nothing
> why j1
  ready
  of 5 workers on 1 machines, 1 on 1 capable, 1 free
  nearest: r80 on m1 lacks service: hash
  ahead: 0
> tick
  = done

# And leaves again: who stands ready is given the job.
> worker w80 leaves
  w80 left
  = done
> tick
  j1 assigned to w8 on m1, attempt 6
  w8 turns busy with j1, was idle
  = done
> w8 starts j1
  j1 started by w8
  = no orders
> w8 finishes j1
  j1 completed with "done"; attempt 6 of w8 on m1, runs failed 5
  w8 turns idle, was busy
  = done

# Somebody who has more but does not take the customer's jobs does not count.
> worker w90 of m1 registers for hash with gpu 90 denying acme
  w90 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w99 of m1 registers for hash with gpu 99 bound f1
  w99 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j3 for hash customer acme backoff 0s,1,0s
  j3 submitted
  = accepted
> submit j4 for hash customer beta backoff 0s,1,0s
  j4 submitted
  = accepted
> w24 asks for work starting
  j3 assigned to w24 on m1, attempt 1
  w24 turns busy with j3, was idle
  j3 started by w24
  = j3, attempt 1, expires at 8s
> w24 fails j3 "no memory" as out_of_memory
  j3 returned by w24 from in_progress: failed "no memory" (out_of_memory), retry at 0s; runs failed 1, lost in a row 0, wants more than 24 GB
  w24 turns idle, was busy
  = will retry at 0s
> w24 asks for work starting
  j4 assigned to w24 on m1, attempt 1
  w24 turns busy with j4, was idle
  j4 started by w24
  = j4, attempt 1, expires at 8s
> w24 fails j4 "no memory" as out_of_memory
  j4 returned by w24 from in_progress: failed "no memory" (out_of_memory), retry at 0s; runs failed 1, lost in a row 0, wants more than 24 GB
  w24 turns idle, was busy
  = will retry at 0s
> tick
  = done
> w16 asks for work
  j3 assigned to w16 on m1, attempt 2
  w16 turns busy with j3, was idle
  = j3, attempt 2, expires at 8s
> w8 asks for work
  = nothing
> w90 asks for work
  j4 assigned to w90 on m1, attempt 2
  w90 turns busy with j4, was idle
  = j4, attempt 2, expires at 8s
