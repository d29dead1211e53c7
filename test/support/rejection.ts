/** The error that `work` rejects with; fails the test when it does not. */
export async function rejection(work: Promise<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('it should have been rejected')
}

/** The stable code of the error that `work` rejects with. */
export async function codeOfRejection(work: Promise<unknown>): Promise<unknown> {
  const error = await rejection(work)
  return 'code' in error ? error.code : undefined
}
