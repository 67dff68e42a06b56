/** What a newcomer finds in the first tabs. */

const ME = `# Who am I, and what is shared with me?
query Me {
  viewer {
    user { id displayName email }
    memberships {
      roles
      organisation { id handle name }
    }
    sharedAccounts(first: 10) {
      totalCount
      edges {
        node { id label app viewerRole viewerCan }
      }
    }
  }
}
`;

const PARTNERS = `# My organisation's partners view
query Partners {
  viewer {
    organisation {
      name
      partnerships(first: 20) {
        totalCount
        edges {
          node {
            id version state viewerCan
            host { name }
            guest { name }
            shares(first: 10) {
              edges {
                node { id state account { label } }
              }
            }
          }
        }
      }
    }
  }
}
`;

export const TABS = [{ query: ME }, { query: PARTNERS }];
