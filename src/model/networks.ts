/** Ids by name of the networks that every Engine has of its own: they differ from host to host, in the cluster each has one, the same for ever. */
export const predefinedNetworks: ReadonlyMap<string, string> = new Map([
  ['bridge', '17f29b073143d8cd97b5bbe492bdeffec1c5fee55cc1fe2112c8b9335f8b6121'],
  ['host', '4740ae6347b0172c01254ff55bae5aff5199f4446e7f6d643d40185b3f475145'],
  ['none', '140bedbf9c3f6d56a9846d2ba7088798683f4da0c248231336e6a05679e4fdfe'],
]);
