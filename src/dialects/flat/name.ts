/** The flat dialect's name, as frames carry it. */
export const flatName = 'flat';
