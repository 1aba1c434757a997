# A worker that registers on another machine leaves the one where it was: what it holds goes back
# to the queue, and nothing can be resumed. What it has done in its life it takes along.

> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> worker w1 of m1 registers for hash slots 2
  w1 joined on m1 for hash, slots 2; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> submit j2 for hash
  j2 submitted
  = accepted
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> w1 finishes j1
  j1 started by w1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 8s
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  = j3, attempt 1, expires at 8s
> worker w1 of m2 registers for hash slots 2 resuming j2
  j2 returned by w1 from in_progress: session_replaced; runs failed 0, lost in a row 1
  j3 returned by w1 from assigned: session_replaced; runs failed 0, lost in a row 0
  w1 turns idle, was busy
  w1 left: moved
  w1 joined on m2 for hash, slots 2; completed 1, failed 0
  = stop w1/j2#1
> w1 finishes j2
  ! lease lost
> machine m1 takes orders
  = stop w1/j2#1, w1/j3#1
> w1 asks for work session 1
  ! session replaced: w1

# The old machine has it no more: it neither speaks for it nor takes it along.
> machine m1 beats errs w1
  = no orders
> w1 asks for work starting
  j2 assigned to w1 on m2, attempt 2
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 2, expires at 8s
> machine m1 leaves
  m1 left
  = done
> look at j2
  in_progress since 0s, runs failed 0, lost in a row 1; 1 by w1: session_replaced; 2 by w1: holds it

# It does not stand where it stood; what it held goes to those who stand, once it has moved.
> machine m1 joins
  m1 joined ready
  = no orders
> worker w2 of m1 registers for hash
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> cancel j3
  j3 cancelled; attempt 1, runs failed 0
  = done
> w1 asks for work until 1h
  = nothing
> w2 asks for work until 1h
  = nothing
> worker w1 of m1 registers for hash
  j2 returned by w1 from in_progress: session_replaced; runs failed 0, lost in a row 2
  w1 turns idle, was busy
  w1 left: moved
  w1 joined on m1 for hash, slots 1; completed 1, failed 0
  j2 assigned to w2 on m1, attempt 3
  w2 turns busy with j2, was idle
  = no orders
> w2 releases j2
  j2 returned by w2 from assigned: released; runs failed 0, lost in a row 2, handed back 1
  w2 turns idle, was busy
  = done
> queue
  j2

# A job that it loses by moving as the third in a row ends, and counts.
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 4
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 4, expires at 8s
> worker w1 of m2 registers for hash
  j2 failed "its worker was lost 3 times in a row, the last time: session_replaced" (broker poison); attempt 4 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  w1 left: moved
  w1 joined on m2 for hash, slots 1; completed 1, failed 1
  = no orders

# Leaving is the end of its life; another one of the same name begins at nothing.
> worker w1 leaves
  w1 left
  = done
> worker w1 of m2 registers for hash
  w1 joined on m2 for hash, slots 1; completed 0, failed 0
  = no orders
