import { useSignalEffect } from "@preact/signals";
import { fleet } from "../board";
import { counts } from "../fleet";
import { ActiveJobs } from "./active";
import { ConnectionLine } from "./connection";
import { Detail } from "./detail";
import { FinishedJobs } from "./finished";
import { Machines } from "./machines";
import { PendingJobs } from "./pending";
import { SubmitForm } from "./submit";

export function Page() {
  useSignalEffect(() => {
    document.title = `Machines (${fleet.value.machines.size}) – Callboard`;
  });
  return (
    <>
      <header class="top">
        <span class="brand">Callboard</span>
        <ConnectionLine />
      </header>
      <main>
        <div class="column">
          <Machines />
          <SubmitForm />
        </div>
        <div class="column wide">
          <ActiveJobs />
          <PendingJobs />
          <FinishedJobs />
        </div>
      </main>
      <Footer />
      <Detail />
    </>
  );
}

function Footer() {
  const { workers, jobs, machines } = counts(fleet.value);
  return (
    <footer data-testid="footer">
      {fleet.value.isKnown ? `${workers} workers • ${jobs} jobs • ${machines} machines` : "not yet known"}
    </footer>
  );
}
