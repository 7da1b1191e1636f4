import { getContainerRuntimeClient } from "testcontainers";

type Client = Awaited<ReturnType<typeof getContainerRuntimeClient>>;

/** The container engine, found as testcontainers finds it. @throws Error that says what to do when there is none */
export async function containerEngine(): Promise<Client> {
  try {
    return await getContainerRuntimeClient();
  } catch (error) {
    const message = `no container engine answers (${error instanceof Error ? error.message : error}); set DOCKER_HOST`;
    throw new Error(message, { cause: error });
  }
}

/** Why containers cannot be started here; undefined when they can. For suites that skip themselves without an engine. */
export async function missingContainerEngine(): Promise<string | undefined> {
  try {
    await containerEngine();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
