// In place of node:net and node:tls: the socket factory is given.
export default {};
