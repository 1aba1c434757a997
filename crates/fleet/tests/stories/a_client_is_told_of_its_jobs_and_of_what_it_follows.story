# A client is told of the jobs it submitted, of those it subscribed to, and of its principal's jobs of a workflow it
# subscribed to.
> rules tail 0
> submit j1 for hash by acme/app
  j1 submitted
  j1 unschedulable, missing service: hash
  = accepted
> submit j2 for hash by acme/other in workflow f
  j2 submitted with its workflow's priority 50 of 0s
  j2 unschedulable, missing service: hash
  = accepted
> submit j3 for hash by beta/app in workflow f
  j3 submitted with its workflow's priority 50 of 0s
  j3 unschedulable, missing service: hash
  = accepted
> who follows j1
  acme/app
> client acme/app follows j2,j3
  acme/app follows j2, j3
  = done
> who follows j2
  acme/other, acme/app
> who follows j3
  beta/app, acme/app

# To follow what is followed, or one's own job, is no news.
> client acme/app follows j1,j2
  = done
> client acme/app follows j2,j1 workflow f
  acme/app follows workflow f
  = done
> client acme/app follows workflow f
  = done
> client acme/page follows workflow f
  acme/page follows workflow f
  = done
> who follows j2
  acme/other, acme/app, acme/page
> who follows j3
  beta/app, acme/app
> submit j4 for hash by acme in workflow f
  j4 submitted with its workflow's priority 50 of 0s
  j4 unschedulable, missing service: hash
  = accepted
> who follows j4
  acme/app, acme/page

# One's own job is muted, and heard again when it is followed.
> client acme/app unfollows j1,j2
  acme/app unfollows j1, j2
  = done
> who follows j1
  none
> who follows j2
  acme/other, acme/app, acme/page
> client acme/app unfollows j1
  = done
> what follows acme/app
  jobs j3; workflows f; muted j1; seen at 0s with 0
> restart
> what follows acme/app
  jobs j3; workflows f; muted j1; seen at 0s with 0
> who follows j1
  none
> client acme/app follows j1
  acme/app follows j1
  = done
> who follows j1
  acme/app

# A muted job stays so whatever workflow it belongs to; others' go with the workflow.
> client acme/other follows workflow f
  acme/other follows workflow f
  = done
> client acme/other unfollows j2
  acme/other unfollows j2
  = done
> who follows j2
  acme/app, acme/page
> client acme/page unfollows workflow f
  acme/page unfollows workflow f
  = done
> who follows j4
  acme/app, acme/other

# What has been muted is forgotten with its job.
> cancel j2
  j2 cancelled; attempt 0, runs failed 0
  = done
> archived before 1h
  = done
> +1m tick
  forgotten: 0 completed, 1 others
  = done
> look at j2
  unknown
> what follows acme/other
  jobs none; workflows f; muted none; seen at 0s with 0
