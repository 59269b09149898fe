import type { Credentials, Media, MediaKind, MediaRequest, NewRequest, Problem, Session } from '@medianest/shared';

/** An answer that says no, in words for the page. */
export class Refusal extends Error {
  constructor(
    readonly httpStatus: number,
    message: string,
  ) {
    super(message);
    this.name = 'Refusal';
  }
}

export interface Search {
  q?: string;
  kind?: MediaKind | '';
}

/** The backend as the page sees it. */
export class Api {
  private token = '';

  constructor(private readonly origin = '') {}

  async catalogue(search: Search = {}): Promise<Media[]> {
    const query = new URLSearchParams();
    if (search.q) query.set('q', search.q);
    if (search.kind) query.set('kind', search.kind);
    const suffix = query.size > 0 ? `?${query}` : '';
    return (await this.call<{ media: Media[] }>('GET', `/api/media${suffix}`)).media;
  }

  async logIn(credentials: Credentials): Promise<void> {
    this.token = (await this.call<Session>('POST', '/api/session', credentials)).token;
  }

  async requests(): Promise<MediaRequest[]> {
    return (await this.call<{ requests: MediaRequest[] }>('GET', '/api/requests')).requests;
  }

  async ask(wish: NewRequest): Promise<MediaRequest> {
    return this.call<MediaRequest>('POST', '/api/requests', wish);
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = {};
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (this.token !== '') headers.authorization = `Bearer ${this.token}`;
    const response = await fetch(this.origin + path, { method, headers, body: JSON.stringify(body) });
    if (response.ok) return (await response.json()) as T;
    throw new Refusal(response.status, await reason(response));
  }
}

/** The words of a refusal; a proxy's own error page has none. */
async function reason(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as Problem;
    const issues = (error.issues ?? []).map((issue) => `${issue.path} ${issue.message}`);
    return issues.length > 0 ? issues.join(', ') : error.message;
  } catch {
    return `the library does not answer (${response.status})`;
  }
}
