import pg from 'pg';
import type { Media, MediaKind, RequestState } from '@medianest/shared';
import { DuplicateRequest, type KeptRequest, type MediaFilter, type Store, type Wish } from './store.js';

const UNIQUE_VIOLATION = '23505';
const COLUMNS = 'id, title, kind, year, sealed_note, requested_by, state, created_at, decided_at';

interface RequestRow {
  id: string;
  title: string;
  kind: MediaKind;
  year: number;
  sealed_note: string;
  requested_by: string;
  state: RequestState;
  created_at: Date;
  decided_at: Date | null;
}

function kept(row: RequestRow): KeptRequest {
  return {
    id: row.id,
    title: row.title,
    kind: row.kind,
    year: row.year,
    sealedNote: row.sealed_note,
    requestedBy: row.requested_by,
    state: row.state,
    createdAt: row.created_at.toISOString(),
    decidedAt: row.decided_at?.toISOString(),
  };
}

export class PostgresStore implements Store {
  readonly kind = 'postgres';
  private readonly pool: pg.Pool;

  constructor(url: string, onIdleError: (error: Error) => void) {
    this.pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 3000, statement_timeout: 5000 });
    // Without a listener, a database that goes away would take the whole process with it.
    this.pool.on('error', onIdleError);
  }

  async media({ text = '', kind }: MediaFilter): Promise<Media[]> {
    const { rows } = await this.pool.query<Media>(
      `SELECT id, title, kind, year FROM media
       WHERE position(lower($1) in lower(title)) > 0 AND ($2::text IS NULL OR kind = $2)
       ORDER BY lower(title)`,
      [text, kind ?? null],
    );
    return rows;
  }

  async requestsOf(member: string): Promise<KeptRequest[]> {
    const { rows } = await this.pool.query<RequestRow>(
      `SELECT ${COLUMNS} FROM media_requests WHERE requested_by = $1 ORDER BY created_at DESC, id`,
      [member],
    );
    return rows.map(kept);
  }

  async addRequest(wish: Wish): Promise<KeptRequest> {
    try {
      const { rows } = await this.pool.query<RequestRow>(
        `INSERT INTO media_requests (title, kind, year, sealed_note, requested_by)
         VALUES ($1, $2, $3, $4, $5) RETURNING ${COLUMNS}`,
        [wish.title, wish.kind, wish.year, wish.sealedNote, wish.requestedBy],
      );
      return kept(rows[0]!);
    } catch (error) {
      if ((error as { code?: string }).code === UNIQUE_VIOLATION) throw new DuplicateRequest();
      throw error;
    }
  }

  async setState(id: string, member: string, state: RequestState): Promise<KeptRequest | undefined> {
    const { rows } = await this.pool.query<RequestRow>(
      `UPDATE media_requests SET state = $3, decided_at = CASE WHEN $3 = 'open' THEN NULL ELSE now() END
       WHERE id::text = $1 AND requested_by = $2 RETURNING ${COLUMNS}`,
      [id, member, state],
    );
    return rows[0] && kept(rows[0]);
  }

  async ping(): Promise<boolean> {
    try {
      await this.pool.query('SELECT 1');
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}
