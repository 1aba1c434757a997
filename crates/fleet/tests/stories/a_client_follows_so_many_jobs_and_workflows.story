# A client has and follows 10,000 jobs that have not ended, and no more; and it follows 256 workflows.
> submit 9999 jobs x for hash by acme/app
  x… submitted (9999 times)
  x… unschedulable, missing service: hash (9999 times)
  = accepted (9999 times)
> submit j1 for hash by beta
  j1 submitted
  j1 unschedulable, missing service: hash
  = accepted
> submit j2 for hash by acme/other
  j2 submitted
  j2 unschedulable, missing service: hash
  = accepted
> client acme/app follows j1,j2
  ! client app submitted and follows 10000 jobs that have not ended, which is the limit: wait until some end, or unsubscribe from others' jobs
> client acme/app follows j1
  acme/app follows j1
  = done
> client acme/app follows j1
  = done
> submit y for hash by acme/app
  ! client app submitted and follows 10000 jobs that have not ended, which is the limit: wait until some end, or unsubscribe from others' jobs
> submit y for hash by acme/other
  y submitted
  y unschedulable, missing service: hash
  = accepted
> submit y1 for hash by beta/app ; y2 for hash by acme/app
  y1 submitted
  y1 unschedulable, missing service: hash
  = accepted
  ! client app submitted and follows 10000 jobs that have not ended, which is the limit: wait until some end, or unsubscribe from others' jobs

# What is there already is answered as ever, and what ends makes room.
> submit x1 for hash by acme/app
  = accepted before as x1
> cancel j1
  j1 cancelled; attempt 0, runs failed 0
  = done
> submit z for hash by acme/app
  z submitted
  z unschedulable, missing service: hash
  = accepted
> client acme/app follows j2
  ! client app submitted and follows 10000 jobs that have not ended, which is the limit: wait until some end, or unsubscribe from others' jobs
> client acme/app unfollows x2
  acme/app unfollows x2
  = done
> client acme/app follows j2
  ! client app submitted and follows 10000 jobs that have not ended, which is the limit: wait until some end, or unsubscribe from others' jobs
> restart
> submit zz for hash by acme/app
  ! client app submitted and follows 10000 jobs that have not ended, which is the limit: wait until some end, or unsubscribe from others' jobs
> cancel x1
  x1 cancelled; attempt 0, runs failed 0
  = done
> client acme/app follows j2
  acme/app follows j2
  = done

> repeat 256 client acme/page follows workflow x
  acme/page follows workflow x… (256 times)
  = done (256 times)
> client acme/page follows workflow more
  ! client page follows 256 workflows, which is the limit: unsubscribe from some
> client acme/page unfollows workflow x7
  acme/page unfollows workflow x7
  = done
> client acme/page follows workflow more
  acme/page follows workflow more
  = done
