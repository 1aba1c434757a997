# The same key with the same content is the same submission, whatever id it comes with; with other
# content it is a conflict. The key is asked before the id, and the ledger knows it as long as its
# job; then the archive does.
> rules tail 0

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash payload "a" key k1
  j1 submitted
  = accepted
> submit j1 for hash payload "a" key k1
  = accepted before as j1
> submit j2 for hash payload "a" key k1
  = accepted before as j1
> submit j2 for hash payload "b" key k1
  ! idempotency conflict
> submit j1 for hash payload "b" key k1
  ! idempotency conflict
> submit j1 for hash payload "b" key k2
  ! job id conflict: j1
> submit j1 for hash payload "b"
  ! job id conflict: j1
> submit j1 for hash payload "a"
  = accepted before as j1
> queue
  j1
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> submit j2 for hash payload "a" key k1
  = accepted before as j1
> w1 starts j1
  j1 started by w1
  = no orders
> submit j2 for hash payload "a" key k1
  = accepted before as j1
> 1s w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> submit j2 for hash payload "a" key k1
  = accepted before as j1
> submit j2 for hash payload "b" key k1
  ! idempotency conflict

# Other fields count, too.
> submit j2 for hash payload "a" key k1 priority 51
  ! idempotency conflict
> submit j2 for hash payload "a" key k1 needs gpu 8
  ! idempotency conflict
> submit j2 for hash payload "a" key k1 run-for 1m
  ! idempotency conflict

# A new key under a known id is that job again; under a new id it is another one.
> submit j1 for hash payload "a" key k3
  = accepted before as j1
> submit j3 for hash payload "a" key k3
  j3 submitted
  = accepted

# In a batch each item has its own.
> submit j4 for hash key b#1 ; j5 for hash key b#2 ; j6 for hash key b#1 ; j7 for render key b#2
  j4 submitted
  j5 submitted
  = accepted
  = accepted
  = accepted before as j4
  ! idempotency conflict
> cancel j3
  j3 cancelled; attempt 0, runs failed 0
  = done
> cancel j4
  j4 cancelled; attempt 0, runs failed 0
  = done
> cancel j5
  j5 cancelled; attempt 0, runs failed 0
  = done
> archived before 24h
  = done
> 1m999ms tick
  m1 silent
  = done
> submit j8 for hash payload "b" key k1
  ! idempotency conflict
> 1m1s tick
  forgotten: 1 completed, 3 others
  = done
> submit j8 for hash payload "b" key k1
  j8 submitted
  = accepted
