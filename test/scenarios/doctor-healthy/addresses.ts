/** Addresses of the two hosts. They are public ones, since checks leave documentation addresses alone; the namespaces lead nowhere else. */
export const addresses = {
  host: '45.33.10.10',
  router: '45.33.10.1',
  nameServers: ['45.33.20.53', '45.33.20.54'],
  /** Where mail of others goes. */
  exchanger: '45.33.30.25',
  large: ['45.33.30.26', '45.33.30.27'],
} as const;

/** The zone of the whole Internet. */
export const zone = `
company.com MX 10 mail.company.com
company.com A ${addresses.host}
company.com TXT "v=spf1 mx -all"
_dmarc.company.com TXT "v=DMARC1; p=reject; rua=mailto:postmaster@company.com"
mail.company.com A ${addresses.host}
mail.company.com TXT "v=spf1 a -all"
10.10.33.45.in-addr.arpa PTR mail.company.com
elsewhere.com MX 10 mx.elsewhere.com
mx.elsewhere.com A ${addresses.exchanger}
gmail.com MX 5 in.gmail.com
in.gmail.com A ${addresses.large[0]}
outlook.com MX 5 in.outlook.com
in.outlook.com A ${addresses.large[1]}
`;
