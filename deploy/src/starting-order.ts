/** All services in the order in which they are started: the others learn who may do what from the first two. */
export const startingOrder = ['orggraph', 'identity', 'tickets', 'notifications', 'gateway'] as const;

/** The name of a service, as its folder and its process have it. */
export type ServiceProcess = (typeof startingOrder)[number];
