/** Enough to try things out; simulations run more, without sockets. */
export const DEV_NODES_MAX = 16;
