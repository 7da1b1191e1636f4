import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { createServer, type Server } from "node:tls";

/** Of "localhost", signed by itself: for tests alone, and good from 2020 to 2120. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBaDCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFTaZTscHftG4tnn
kbIjwaZwpmMvblawyRDiXZZdmb6krQ0ZpE0QmpD59icYGvST3uLQ/K0zy8n7oPOV
4hYqorGjTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
BTADAQH/MB0GA1UdDgQWBBSPZ2sD1Tm60O13T8Dq2lHlGod/FDAKBggqhkjOPQQD
AgNJADBGAiEAzWymsvwIG39ps+p8Ag3/Nq7qipb+8xR9uHOFNsWZoD4CIQCfD6v+
nNt99T/yl2QQbgfO3BMTTkPYgM6pLGcL3fGA/w==
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQwy+eB7AAkkNTTKk
dyPuWn0QIsvDEs8ajQyVw2oytjihRANCAARU2mU7HB37RuLZ55GyI8GmcKZjL25W
sMkQ4l2WXZm+pK0NGaRNEJqQ+fYnGBr0k97i0PytM8vJ+6DzleIWKqKx
-----END PRIVATE KEY-----
`;

export interface TlsFront extends AsyncDisposable {
  readonly port: number;
}

/** Speaks TLS before a server that does not. */
export async function tlsFront(targetPort: number): Promise<TlsFront> {
  const front: Server = createServer({ cert: CERTIFICATE, key: KEY }, (socket) => {
    const target = connect(targetPort, "127.0.0.1");
    const end = (): void => {
      socket.destroy();
      target.destroy();
    };
    socket.on("error", end).on("close", end);
    target.on("error", end).on("close", end);
    socket.pipe(target).pipe(socket);
  });
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  const { port } = front.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      front.close();
      await once(front, "close");
    },
  };
}
