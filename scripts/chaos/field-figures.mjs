/**
 * What the same faults did to Socket.IO, as measured in the field: 20 pairs, 2 nodes, 50 messages a second each way.
 * By row: with its redis adapter, and with its streams adapter and connection state recovery.
 */
export const fieldFigures = {
  1: ['2,016 of 60,000 lost', '2 lost, 4 twice, all 40 peers told a false "left"'],
  2: ['2,016 lost', '16 lost although "recovered"'],
  3: ['93 lost', '83 lost, none resumed'],
  4: ['414 lost, 1,018 out of order', '0 lost, silence 2.4 s'],
  5: ['silence 3.0 s everywhere', 'the same'],
  6: ['192 lost', '50 lost, false "left" to all'],
  7: ['never closed, +43 MiB', 'never closed, +49 MiB'],
  8: ['nobody, ever', 'nobody, ever'],
  9: ['7 ms, then a false "left"', 'the same'],
};
