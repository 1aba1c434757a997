// Connect to client endpoint
const ws = new WebSocket('ws://localhost:3331/ws/client/client-456');

ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  
  // Handle job-specific events in EmProps format
  switch (data.type) {
    case 'connection_established':
      console.log('Connected:', data.message);
      break;
    case 'job_accepted':
      trackJob(data.job_id, 'queued');
      break;
    case 'update_job_progress':
      updateProgress(data.job_id, data.progress);
      break;
    case 'complete_job':
      if (data.result.status === 'success') {
        resolveJob(data.job_id, data.result.data);
      } else {
        rejectJob(data.job_id, data.result.error);
      }
      break;
  }
};
