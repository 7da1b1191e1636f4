import { render } from "preact";
import { DeadLetters } from "./dead-letters.tsx";
import { HeadlineBar, isStale } from "./headline.tsx";
import { LabPanel } from "./lab.tsx";
import {
  ConfigurationPanel,
  OperationsPanel,
  PoolPanel,
  QueuePanel,
  SlowCallsPanel,
  TimelinePanel,
} from "./panels.tsx";
import { connect } from "./store.ts";

function Page() {
  return (
    <main class={isStale() ? "stale" : undefined}>
      <HeadlineBar />
      <div class="grid">
        <LabPanel />
        <div class="column">
          <OperationsPanel />
          <SlowCallsPanel />
        </div>
        <div class="column">
          <PoolPanel />
          <QueuePanel>
            <DeadLetters />
          </QueuePanel>
          <TimelinePanel />
        </div>
        <ConfigurationPanel />
      </div>
    </main>
  );
}

const place = document.getElementById("page");
if (place !== null) {
  connect();
  render(<Page />, place);
}
