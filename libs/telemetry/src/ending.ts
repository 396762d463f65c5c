const patience = 3_000;

let end: (() => Promise<void>) | undefined;

/** Keeps how what was started before everything else is ended. */
export function endsBy(shutdown: () => Promise<void>): void {
  end = shutdown;
}

/** Sends what is not sent yet, within 3 s, and measures nothing more. Before `process.exit`, which would throw it away. */
export async function endTelemetry(): Promise<void> {
  const ended = end?.();
  end = undefined;
  const late = new Promise<void>((resolve) => setTimeout(resolve, patience).unref());
  // A collector that is away keeps no process from ending.
  await Promise.race([ended?.catch(() => undefined), late]);
}
