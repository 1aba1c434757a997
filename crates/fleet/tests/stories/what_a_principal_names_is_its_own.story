# An idempotency key, and a workflow's rank, are known by their principal. A job id is one for the whole board:
# another principal's is taken, whatever its job asks for, and nothing is said of it.
> submit j1 for hash key k by acme
  j1 submitted
  j1 unschedulable, missing service: hash
  = accepted
> submit j2 for hash key k by beta/app
  j2 submitted
  j2 unschedulable, missing service: hash
  = accepted
> submit j3 for hash key k by acme/app
  = accepted before as j1
> submit j4 for hash key k by beta
  = accepted before as j2
> submit j5 for hash key k payload x by beta
  ! idempotency conflict
> submit j1 for hash by beta
  ! job id conflict: j1
> submit j1 for hash payload x by beta
  ! job id conflict: j1
> submit j1 for hash by acme/app
  = accepted before as j1
> +1s submit a1 for hash priority 80 in workflow f by acme
  a1 submitted with its workflow's priority 80 of 1s
  a1 unschedulable, missing service: hash
  = accepted
> +1s submit a2 for hash in workflow f by acme/app
  a2 submitted with its workflow's priority 80 of 1s
  a2 unschedulable, missing service: hash
  = accepted
> submit b1 for hash in workflow f by beta
  b1 submitted with its workflow's priority 50 of 2s
  b1 unschedulable, missing service: hash
  = accepted
> submit b2 for hash priority 90 in workflow f by beta
  b2 submitted with its workflow's priority 50 of 2s
  b2 unschedulable, missing service: hash
  = accepted

# So it is after a restart.
> restart
> submit j6 for hash key k by beta
  = accepted before as j2
> submit j1 for hash by beta
  ! job id conflict: j1
> submit b3 for hash in workflow f by beta
  b3 submitted with its workflow's priority 50 of 2s
  b3 unschedulable, missing service: hash
  = accepted

# A retry belongs to the principal that had the job, and to the client that retries it if that is its own.
> cancel j2
  j2 cancelled; attempt 0, runs failed 0
  = done
> retry j2 as j7 by beta/other
  j7 submitted
  j7 unschedulable, missing service: hash
  = accepted
> retry j2 as j8 by admin/page
  j8 submitted
  j8 unschedulable, missing service: hash
  = accepted
> who follows j7
  beta/other
> who follows j8
  beta/app
