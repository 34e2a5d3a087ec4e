/** `arpanet audit`. Effects: an HTTP request, the terminal, the exit code. */
import { clientCall, type Terminal } from '../../command.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';
import { auditText } from '../../output/audit.ts';

/** An audit looks three times, 0.7 s apart; `--fix` repairs and looks again, up to four times. */
const [LOOK_TIMEOUT_MS, FIX_TIMEOUT_MS] = [15_000, 60_000];

/** Exit code 1 if a difference is left. */
export async function showAudit(flags: Flags, terminal: Terminal): Promise<void> {
  const settings = await settingsOf('audit', flags, terminal.env);
  const { api, show } = clientCall(settings, terminal);
  if (settings.discard !== undefined) {
    await api.v1.call('postAuditDiscard', { body: { key: settings.discard } }, { timeoutMs: LOOK_TIMEOUT_MS });
  }
  const report =
    settings.fix === true
      ? await api.v1.call('postAuditFix', {}, { timeoutMs: FIX_TIMEOUT_MS })
      : await api.v1.call('getAudit', {}, { timeoutMs: LOOK_TIMEOUT_MS });
  show(report, auditText);
  if (report.findings.length > 0) process.exitCode = 1;
}
