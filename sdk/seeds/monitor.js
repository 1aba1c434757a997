// Connect to monitor endpoint
const ws = new WebSocket('ws://localhost:3331/ws/monitor/monitor-123');

ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  
  // Handle all system events in original format
  switch (data.type) {
    case 'job_submitted':
      updateJobsList(data.job_data);
      break;
    case 'worker_connected':
      updateWorkerStatus(data.worker_data);
      break;
    case 'machine_update':
      updateMachineStatus(data.machine_id, data.status_data);
      break;
  }
};
