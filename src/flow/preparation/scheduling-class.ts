/** Which scheduling class a message asks for by its header, as far as it may. */
import type { SchedulingClass } from '../../mail/next-hop.ts';
import { fieldValue } from '../../protocol/headers/scanner.ts';
import type { HeaderScanner } from '../../protocol/headers/scanner.ts';

/** Names of the fields that matter here (RFC 3834 §2 on Precedence, RFC 2156 §5.3.6 on Priority). */
export const classFields = ['precedence', 'priority', 'x-priority'] as const;

/** Mass mail goes last by its own word; only our own users may ask to go first; reports are never anything but normal. */
export function schedulingClass(
  header: HeaderScanner,
  sender: { readonly null: boolean; readonly authenticated: boolean },
): SchedulingClass {
  if (sender.null || header.fields.length === 0) return 'normal';
  const value = (name: (typeof classFields)[number]): string => {
    const field = header.first(name);
    return field === undefined ? '' : fieldValue(field).toLowerCase();
  };
  const precedence = value('precedence');
  if (precedence === 'bulk' || precedence === 'list' || precedence === 'junk') return 'bulk';
  const priority = value('priority');
  if (priority === 'non-urgent') return 'bulk';
  if (sender.authenticated && (priority === 'urgent' || /^1\b/.test(value('x-priority')))) return 'urgent';
  return 'normal';
}
