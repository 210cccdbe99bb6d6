export const decryptorSource = '';
