import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { operationOf } from '../../support/s3-server/start-s3-server.ts';
import type { WireAnswer, WireFault, WireRequest } from './wire-faults.ts';

export interface WirePlan {
  readonly fault: WireFault;
  /** Counted from 1. */
  readonly from: number;
  readonly times: number;
}

/** Stands between the SDK and a server, and lies as planned. */
export interface LyingProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** Requests since the last `arm`, as "Operation path". */
  readonly requests: readonly string[];
  /** Starts counting anew; null is an honest network. */
  arm(plan: WirePlan | null): void;
  /** Called before (`isDone` false) and after a request was carried out. */
  watch: ((request: { readonly number: number; readonly isDone: boolean }) => void) | null;
}

export async function startLyingProxy(upstream: string): Promise<LyingProxy> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const requests: string[] = [];
  let plan: WirePlan | null = null;

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message);
    requests.push(`${request.operation} ${request.url.split('?')[0]}`);
    const number = requests.length;
    const planned = plan;
    const isHit = planned !== null && number >= planned.from && number < planned.from + planned.times;
    const forward = async (): Promise<WireAnswer> => {
      proxy.watch?.({ number, isDone: false });
      const answer = await ask({ upstream, agent }, request);
      proxy.watch?.({ number, isDone: true });
      return answer;
    };
    const answer = isHit ? await planned.fault.play(request, forward) : await forward();
    if (answer === 'silence') return;
    if (answer === null) message.socket.resetAndDestroy();
    else send(answer, request.method, response);
  }

  const server = createServer((message, response) => {
    serve(message, response).catch(() => message.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: LyingProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    watch: null,
    arm(next) {
      plan = next;
      requests.length = 0;
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

async function readRequest(message: IncomingMessage): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const { method = 'GET', url = '/', headers } = message;
  const { pathname, searchParams } = new URL(url, 'http://proxy');
  const key = pathname.split('/').slice(2).join('/');
  return { operation: operationOf(method, searchParams, key), method, url, headers, body: Buffer.concat(chunks) };
}

/** Passes the request on as it is, host header included: the signature covers it. */
async function ask(
  to: { upstream: string; agent: Agent },
  { method, url, headers, body }: WireRequest,
): Promise<WireAnswer> {
  return new Promise((done, fail) => {
    const { hostname, port } = new URL(to.upstream);
    const passed = { ...headers, connection: 'keep-alive' };
    const asked = httpRequest({ hostname, port, method, path: url, headers: passed, agent: to.agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', fail);
      answer.once('end', () => {
        const kept = Object.entries(answer.headers).filter(
          ([name]) => !/^(?:connection|keep-alive|transfer-encoding)$/.test(name),
        );
        const headers_ = Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
        done({ status: answer.statusCode ?? 500, headers: headers_, body: Buffer.concat(chunks) });
      });
    });
    asked.once('error', fail);
    asked.end(body);
  });
}

function send({ status, headers, body, cut }: WireAnswer, method: string, response: ServerResponse): void {
  // What HEAD says about a length is about the object.
  if (method !== 'HEAD' && status !== 204) headers['content-length'] ??= String(body.length);
  response.writeHead(status, headers);
  if (cut === undefined) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, cut.after), () => {
    if (cut.how === 'reset') response.socket?.resetAndDestroy();
    if (cut.how === 'fin') response.socket?.end();
  });
}
